import { ConnectTimeout } from "./error.ts";
import { unavailable } from "./guard.ts";

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

/** For a database in this process, which cannot fall silent alone. */
export const UNWATCHED: Silence = {
  heard() {},
  connected() {},
  orSilent: (answer) => answer,
  attend: (waited) => waited,
};

/** Makes a watch over a database that is reached by network. */
export function createSilence({ sound, onSilent }: SilenceOptions): Silence {
  // How each of those who wait is refused, if it is done here.
  const waiting = new Set<() => void>();
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
    for (const refuse of [...waiting]) refuse();
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

  function enter(refuse: () => void): void {
    waiting.add(refuse);
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
      const nothing = () => {};
      const leave = () => waiting.delete(nothing);
      enter(nothing);
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
