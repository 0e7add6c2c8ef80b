import type { Connection } from "./connection.ts";
import { ConnectTimeout } from "./error.ts";
import { failure, unavailable } from "./guard.ts";

/**
 * Finds out within a second that a database answers nothing at all: stopped, or behind a network that drops packets.
 * The deadline of a single statement is longer, because a lock or a slow disk is no outage.
 */
export interface Silence {
  /** Notes that the database said something, a refusal included. */
  heard(): void;
  /** Notes how long a login took, milliseconds. Before the first one nothing is judged. */
  connected(took: number): void;
  /** Passes on an answer of the database, or rejects as unavailable once the database is found silent. */
  orSilent<T>(answer: Promise<T>): Promise<T>;
  /** Counts a caller as waiting for the database, who is refused by other means. */
  attend<T>(waited: Promise<T>): Promise<T>;
}

/** Settings of {@link createSilence}. */
export interface SilenceOptions {
  /** Asks the database over a connection that nobody waits on. The signal ends it, and that connection. */
  readonly sound: (signal: AbortSignal) => Promise<void>;
  /** Called once it is found silent, before anybody is refused. */
  readonly onSilent: () => void;
}

/**
 * Milliseconds between two looks. One that comes late by as much again does not count: this process was not run, or was busy, and the
 * database may have been no better off.
 */
const TICK = 50;
/** Milliseconds without any answer until the database is sounded, and in which the sounding must be answered. */
const QUIET = 400;
const SOUNDING = 400;
/** Milliseconds: the longest pause between two soundings of a database that is only slow. */
const LONGEST = 6_400;
/** A sounding includes a login, so it may take as many times as long as a login lately took. */
const LOGINS = 3;

/** Makes a watch over a database that is reached by network. */
export function createSilence({ sound, onSilent }: SilenceOptions): Silence {
  const waiting = new Set<(() => void) | symbol>();
  let timer: NodeJS.Timeout | undefined;
  let quiet = 0;
  let patience = QUIET;
  let login: number | undefined;
  let sounding: Sounding | undefined;
  let lookedAt = 0;

  function begin(longestLogin: number): void {
    const abort = new AbortController();
    const one = { left: Math.max(SOUNDING, LOGINS * longestLogin), abort };
    sounding = one;
    sound(abort.signal).then(
      () => end(one, true),
      (error: unknown) => end(one, !isSilence(error)),
    );
  }

  function end(one: Sounding, isAlive: boolean): void {
    if (sounding !== one) return;
    forget();
    quiet = 0;
    // It is there, and a statement takes its time.
    if (isAlive) patience = Math.min(LONGEST, patience * 2);
    else refuseAll();
  }

  function forget(): void {
    sounding?.abort.abort();
    sounding = undefined;
  }

  function refuseAll(): void {
    onSilent();
    for (const refuse of [...waiting]) if (typeof refuse === "function") refuse();
  }

  function look(): void {
    const isLate = performance.now() - lookedAt > 2 * TICK;
    lookedAt = performance.now();
    if (waiting.size === 0) {
      clearInterval(timer);
      timer = undefined;
      quiet = 0;
      forget();
    } else if (!isLate) count();
  }

  function count(): void {
    if (sounding === undefined) {
      quiet += TICK;
      if (quiet >= patience && login !== undefined) begin(login);
    } else {
      sounding.left -= TICK;
      if (sounding.left <= 0) end(sounding, false);
    }
  }

  function enter(one: (() => void) | symbol): void {
    waiting.add(one);
    if (timer !== undefined) return;
    lookedAt = performance.now();
    timer = setInterval(look, TICK).unref();
  }

  return {
    heard() {
      quiet = 0;
      patience = QUIET;
      forget();
    },
    connected(took) {
      login = Math.max(took, (login ?? 0) / 2);
    },
    orSilent(answer) {
      return new Promise((resolve, reject) => {
        const refuse = () => reject(unavailable());
        const leave = () => waiting.delete(refuse);
        enter(refuse);
        answer.then(resolve, reject).finally(leave);
      });
    },
    attend(waited) {
      const one = Symbol();
      const leave = () => waiting.delete(one);
      enter(one);
      waited.then(leave, leave);
      return waited;
    },
  };
}

/** A question that is under way, and the milliseconds that are left for its answer. */
interface Sounding {
  left: number;
  readonly abort: AbortController;
}

/** Whether an error is silence. All others are something that was said, by the server, a pooler or the network: of several, any of them. */
function isSilence(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.every(isSilence) : error instanceof ConnectTimeout;
}

/** A connection to sound a database over, and the way to give it back. */
export interface Lead {
  readonly connection: Connection;
  /** @param isGood whether it was answered, and can be used again */
  giveBack(isGood: boolean): void;
}

/**
 * Asks a database the least there is to ask, over every lead that there is: those connections that callers have may wait for
 * locks. Resolves once the database said anything over one of them, a refusal of the statement included.
 *
 * An idle connection is a lead, because a pooler may have no session left for a login, and a login is one, because a firewall may
 * have forgotten what was idle. Without any lead there is nothing to judge by.
 *
 * @param signal ends it, and the connections that were not answered
 */
export async function soundOver(leads: readonly Promise<Lead>[], signal: AbortSignal): Promise<void> {
  if (leads.length > 0) await Promise.any(leads.map((lead) => follow(lead, signal)));
}

async function follow(lead: Promise<Lead>, signal: AbortSignal): Promise<void> {
  const { connection, giveBack } = await lead;
  const end = () => giveBack(false);
  if (signal.aborted) return end();
  signal.addEventListener("abort", end, { once: true });
  let isGood = false;
  try {
    await connection.query("select 1", []);
    isGood = true;
  } catch (thrown) {
    const { error, sqlstate } = failure("sounding", thrown);
    if (sqlstate === undefined) throw error;
    isGood = true;
  } finally {
    signal.removeEventListener("abort", end);
    if (!signal.aborted) giveBack(isGood);
  }
}
