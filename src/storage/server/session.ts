import type { Client } from "pg";

import { unavailable } from "../engine/guard.ts";
import { type Answer, createExchange, type Statement } from "./exchange.ts";

/** Transactions over one client. */
export interface PostgresSession {
  /** Runs a statement: in the open transaction, or in one of its own, which takes one round trip. */
  ask(text: string, values: readonly unknown[]): Promise<Answer>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  /** Ends the open transaction without committing it, or the client if that fails. Never rejects. */
  rollback(): Promise<void>;
}

/** Settings of a session. */
export interface SessionOptions {
  readonly client: Client;
  /** The statement that begins a transaction. */
  readonly begin: string;
  /** The statement behind it, which sets all that the transaction must find. */
  readonly settings: string;
  /** Whether statements may be kept by the server under a name. */
  readonly prepares: boolean;
  /** Called if they may not after all. */
  readonly onForgotten: () => void;
  readonly lost: () => boolean;
  readonly lose: () => void;
}

/** The statements that open every transaction. */
const OPENING = 3;
/** The last of them. A cancellation that falls due with the settings hits this, and not a statement that somebody waits for. */
const EMPTY: Statement = { text: "", values: [], name: "", known: false };
// More would mean that texts are made up as we go.
const MOST_PREPARED = 200;
/** Tries to open or to end a transaction under a role's own bound. Each leaves the server with more in its caches. */
const MOST_ATTEMPTS = 200;
const CANCELLED = "57014";
/** A statement that was prepared is not there, or one of that name is: there is a pooler that did not show. */
const FORGOTTEN: ReadonlySet<string> = new Set(["26000", "42P05"]);

/** Makes a session. */
export function createSession(options: SessionOptions): PostgresSession {
  const { client, lost, lose } = options;
  const known = new Map<string, string>();
  let prepares = options.prepares;
  let names = 0;
  let inTransaction = false;
  let turn: Promise<unknown> = Promise.resolve();

  function statement(text: string, values: readonly unknown[] = []): Statement {
    const name = known.get(text);
    if (name !== undefined) return { text, values, name, known: true };
    if (!prepares || known.size >= MOST_PREPARED) return { text, values, name: "", known: false };
    names += 1;
    return { text, values, name: `bakehouse_${names}`, known: false };
  }

  /** One exchange at a time: the driver wants no queue, and every statement belongs to the transaction of that moment. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  /** @returns the answer, or why there is none and how many of the statements were done before */
  async function exchange(statements: readonly Statement[], wanted: number): Promise<Answer | Failed> {
    if (lost()) throw unavailable();
    const { submittable, answer, done } = createExchange(statements, wanted);
    client.query(submittable);
    try {
      const result = await answer;
      for (const { text, name } of statements) if (name !== "") known.set(text, name);
      return result;
    } catch (error) {
      // What ended the client has a code of the system's, or none.
      if (lost()) throw stateOf(error) === "" ? unavailable() : error;
      if (FORGOTTEN.has(stateOf(error))) {
        prepares = false;
        known.clear();
        options.onForgotten();
      }
      return { error, done: done() };
    }
  }

  async function rollback(): Promise<void> {
    inTransaction = false;
    for (let left = MOST_ATTEMPTS; !lost(); left -= 1) {
      try {
        await client.query("rollback");
        return;
      } catch (error) {
        // Our bound has ended with the transaction's failure: the role's own may be too short even for this.
        if (stateOf(error) !== CANCELLED || left === 0) lose();
      }
    }
  }

  /** Opens a transaction and does the rest in the same round trip. */
  async function fromBegin(rest: () => readonly Statement[], wanted: number): Promise<Answer> {
    for (let left = MOST_ATTEMPTS; ; left -= 1) {
      const statements = [statement(options.begin), statement(options.settings), EMPTY, ...rest()];
      const result = await exchange(statements, wanted);
      if (!("error" in result)) return result;
      await rollback();
      const state = stateOf(result.error);
      // Nothing was done yet: the role's own bound was met before ours was set, or the server lacks a statement.
      const again = (state === CANCELLED && result.done < OPENING) || FORGOTTEN.has(state);
      if (!again || left === 0) throw result.error;
    }
  }

  return {
    ask: (text, values) =>
      inTurn(async () => {
        if (!inTransaction) return fromBegin(() => [statement(text, values), statement("commit")], OPENING);
        const result = await exchange([statement(text, values)], 0);
        if ("error" in result) throw FORGOTTEN.has(stateOf(result.error)) ? unavailable() : result.error;
        return result;
      }),
    begin: () =>
      inTurn(async () => {
        await fromBegin(() => [], OPENING - 1);
        inTransaction = true;
      }),
    commit: () =>
      inTurn(async () => {
        const result = await exchange([statement("commit")], 0);
        if ("error" in result) throw result.error;
        inTransaction = false;
      }),
    rollback: () => inTurn(rollback),
  };
}

interface Failed {
  readonly error: unknown;
  readonly done: number;
}

function stateOf(error: unknown): string {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" ? code : "";
}
