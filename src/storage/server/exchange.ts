import type { Connection, Submittable } from "pg";

import { type Field, readRow, writeValue } from "./fields.ts";

/** One statement on its way. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** The name under which the server keeps it; empty for none. */
  readonly name: string;
  /** Whether the server has it under its name. */
  readonly known: boolean;
}

/** The rows of one statement, each as a list. */
export interface Answer {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Statements that go out together, and the answer to one of them. */
export interface Exchange {
  /** Given to the driver, which writes it and tells it the answers. */
  readonly submittable: Submittable;
  /** Settles once all statements are done, so that a commit among them has happened. */
  readonly answer: Promise<Answer>;
  /** How many statements are done. */
  done(): number;
}

/**
 * Sends several statements in one go, so that they cost one round trip: each in its own protocol messages, and one Sync
 * behind the last. If one fails, the server passes over the rest.
 *
 * @param wanted the place of the statement with the rows of the answer
 */
export function createExchange(statements: readonly Statement[], wanted: number): Exchange {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
  let fields: readonly Field[] = [];
  const rows: (readonly unknown[])[] = [];
  let done = 0;
  let unreadable: unknown;

  const handlers = {
    submit(connection: Connection) {
      const { stream } = connection;
      stream.cork();
      statements.forEach(({ text, values, name, known }, place) => {
        if (!known) connection.parse({ name, text, types: [] }, true);
        connection.bind({ statement: name, values: values.map(writeValue) }, true);
        if (place === wanted) connection.describe({ type: "P" }, true);
        connection.execute(null, true);
      });
      connection.sync();
      stream.uncork();
    },
    handleRowDescription(message: {
      readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
    }) {
      fields = message.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
    },
    handleDataRow(message: { readonly fields: readonly unknown[] }) {
      if (done !== wanted || unreadable !== undefined) return;
      try {
        rows.push(readRow(fields, message.fields));
      } catch (error) {
        unreadable = error;
      }
    },
    handleCommandComplete() {
      done += 1;
    },
    handleEmptyQuery() {
      done += 1;
    },
    handleError: reject,
    handleReadyForQuery() {
      if (unreadable === undefined) resolve({ fields, rows });
      else reject(unreadable);
    },
  };
  return { submittable: handlers, answer, done: () => done };
}
