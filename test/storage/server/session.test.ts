import type { Client, Connection, Submittable } from "pg";
import { expect, test } from "vitest";

import { createSession } from "../../../src/storage/server/session.ts";

const BEGIN = "begin";
const SETTINGS = "select set_config()";
const ROLLBACK = "rollback";

/** The answer to an exchange: the error's code at a statement's place, counted from 0; undefined if all are done. */
type Reply = { readonly at: number; readonly code: string; readonly ends?: boolean } | undefined;

/** What pg calls on a query while the server answers it; its types do not say so. */
interface Answered extends Submittable {
  handleCommandComplete(): void;
  handleEmptyQuery(): void;
  handleError(error: unknown): void;
  handleReadyForQuery(): void;
}

const refusal = (code: string) => Object.assign(new Error("refused"), { code });

/**
 * A session over a client that answers as a script says, and then as a server with which nothing is wrong.
 *
 * @param rollbacks codes of the rollbacks that fail
 */
function scripted(replies: readonly Reply[], rollbacks: readonly string[] = []) {
  const asked: string[][] = [];
  const [left, refused] = [[...replies], [...rollbacks]];
  let lost = false;

  function answer(query: Answered): void {
    const texts: string[] = [];
    const ignore = () => {};
    const connection = {
      stream: { cork: ignore, uncork: ignore },
      parse: ({ text }: { readonly text: string }) => texts.push(text),
      bind: ignore,
      describe: ignore,
      execute: ignore,
      sync: ignore,
    };
    query.submit(connection as unknown as Connection);
    asked.push(texts);
    const reply = left.shift();
    for (const text of texts.slice(0, reply?.at)) {
      if (text === "") query.handleEmptyQuery();
      else query.handleCommandComplete();
    }
    if (reply?.ends === true) lost = true;
    if (reply === undefined) query.handleReadyForQuery();
    else query.handleError(refusal(reply.code));
  }

  function query(asking: string | Answered): unknown {
    if (typeof asking !== "string") return answer(asking);
    asked.push([asking]);
    const code = refused.shift();
    return code === undefined ? Promise.resolve() : Promise.reject(refusal(code));
  }

  const session = createSession({
    client: { query } as unknown as Client,
    begin: BEGIN,
    settings: SETTINGS,
    prepares: false,
    onForgotten() {},
    lost: () => lost,
    lose() {
      lost = true;
    },
  });
  return { session, asked, lost: () => lost };
}

const CANCELLED = "57014";
const OPENING = [BEGIN, SETTINGS, ""];
const ALL = [...OPENING, "select 1", "commit"];

test("a statement of its own follows an empty one, which meets what falls due with the settings", async () => {
  const { session, asked } = scripted([]);
  await session.ask("select 1", []);
  expect(asked).toEqual([ALL]);
});

test.each([0, 1, 2])("a transaction whose statement %i was given up is opened again", async (at) => {
  const { session, asked } = scripted([{ at, code: CANCELLED }]);
  await session.ask("select 1", []);
  await session.begin();
  expect(asked).toEqual([ALL, [ROLLBACK], ALL, OPENING]);
});

test("a statement that was given up behind the opening is not asked again", async () => {
  const { session, asked } = scripted([{ at: 3, code: CANCELLED }]);
  await expect(session.ask("select 1", [])).rejects.toMatchObject({ code: CANCELLED });
  expect(asked).toEqual([ALL, [ROLLBACK]]);
});

test("a connection that ends says by which code", async () => {
  const { session } = scripted([{ at: 0, code: "ECONNRESET", ends: true }]);
  await expect(session.ask("select 1", [])).rejects.toMatchObject({ code: "ECONNRESET" });
  await expect(session.ask("select 1", [])).rejects.toMatchObject({ code: "unavailable" });
});

test("a rollback that was given up is asked for again, and the connection stays", async () => {
  const { session, asked, lost } = scripted([{ at: 1, code: CANCELLED }], [CANCELLED, CANCELLED]);
  await session.ask("select 1", []);
  expect(asked).toEqual([ALL, [ROLLBACK], [ROLLBACK], [ROLLBACK], ALL]);
  expect(lost()).toBe(false);
});

test("a rollback that is given up each time ends the connection", async () => {
  const { session, asked, lost } = scripted([], Array<string>(1_000).fill(CANCELLED));
  await session.rollback();
  expect(lost()).toBe(true);
  expect(asked.length).toBeLessThan(1_000);
});

test("a rollback that fails otherwise ends the connection at once", async () => {
  const { session, asked, lost } = scripted([], ["57P01"]);
  await session.rollback();
  expect(lost()).toBe(true);
  expect(asked).toEqual([[ROLLBACK]]);
});
