import { inspect } from "node:util";

import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { describe, expect, test } from "vitest";

import { createBreaker } from "../../src/storage/engine/breaker.ts";
import { StorageError } from "../../src/storage/engine/error.ts";
import { failure, startFault, unavailable } from "../../src/storage/engine/guard.ts";
import { createRefusedChanges } from "../../src/storage/engine/refused-changes.ts";
import { rootKeys } from "../../src/storage/tables/schema.ts";
import { describeOn, describeOnBoth } from "../support/database.ts";
import { auditEvent, issue, platform, principal, revocation, rootKey, session, token } from "./samples.ts";

const CANARY = "canary-Zm9vYmFy-4711-ÿ";
const canaryBytes = new Uint8Array(Buffer.from(CANARY, "utf8"));

/** Everything that a logger, a careless handler or a debugger could print of an error. */
function print(error: unknown): string {
  const seen = inspect(error, {
    depth: 20,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
    getters: true,
  });
  const { message, stack, cause } = error instanceof Error ? error : new Error("not an error");
  return [seen, message, stack, inspect(cause, { depth: 20 }), JSON.stringify(error), String(error)].join(
    "\n",
  );
}

function forms(): readonly string[] {
  const buffer = Buffer.from(canaryBytes);
  const list = canaryBytes.join(", "); // as a typed array is printed
  return [
    CANARY,
    buffer.toString("hex"),
    buffer.toString("base64"),
    buffer.toString("base64url"),
    buffer.toString("latin1"),
    list,
  ];
}

function leaks(text: string): readonly string[] {
  const flat = text.replace(/\s+/g, " ");
  const hex = Buffer.from(canaryBytes).toString("hex").match(/../g)?.join(" ") ?? "";
  return [...forms(), hex].filter(
    (form) => flat.includes(form) || flat.toLowerCase().includes(form.toLowerCase()),
  );
}

describeOnBoth("errors of queries", (open) => {
  test("no parameter is in any of them", async () => {
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    const key = rootKey(CANARY, { sealed: canaryBytes, id: CANARY });
    await store.rootKeys.insert(key);
    const failing: readonly (() => Promise<unknown>)[] = [
      () => store.rootKeys.insert(key),
      () => store.rootKeys.insert({ ...key, id: "x", platform: CANARY }),
      () => store.rootKeys.insert({ ...key, id: "y", createdAt: Number.NaN }),
      () => store.rootKeys.reseal(`${CANARY}\0`, canaryBytes),
      () => store.principals.ensure(principal(CANARY, { platform: CANARY })),
      () => store.principals.ensure(principal(`${CANARY}\0`)),
      () => store.tokens.insert(token(1, { id: CANARY })),
      () => store.tokens.insert(token(1, { label: CANARY, revocationId: canaryBytes })),
      () => store.audit.append([auditEvent(1, { id: CANARY, details: { text: CANARY } })]),
      () => store.audit.append([auditEvent(1, { details: { text: `${CANARY}\0` } })]),
      () => store.issues.record([issue(1, { token: token(1, { id: CANARY, label: CANARY }) })]),
      () =>
        store.issues.record([
          issue(1, { newcomer: true, principal: principal(CANARY, { platform: CANARY }) }),
        ]),
      () => store.revocations.append([revocation(1, { id: CANARY, reason: CANARY })]),
      () => store.sessions.insert(session(CANARY, { idHash: canaryBytes })),
      () => store.sessions.find(canaryBytes, -1),
      () => store.idempotency.claim({ hash: canaryBytes, bodyHash: canaryBytes }, CANARY, 1),
      () => store.transaction("test", ({ rootKeys: keys }) => keys.insert(key)),
    ];
    for (const query of failing) {
      const error = await query().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, query.toString()).toBeInstanceOf(StorageError);
      expect(leaks(print(error)), query.toString()).toEqual([]);
    }
  });

  test("a fault says what was tried, the state and the constraint", async () => {
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    await store.rootKeys.insert(rootKey("twice"));
    await expect(store.rootKeys.insert(rootKey("twice"))).rejects.toMatchObject({
      name: "StorageError",
      message: "rootKeys.insert failed: sqlstate 23505 (root_keys_pkey)",
      operation: "rootKeys.insert",
      sqlstate: "23505",
      constraint: "root_keys_pkey",
    });
  });
});

describeOn("postgres", "errors without the guard", (open) => {
  test("hold the parameters, so that the search above can fail", async () => {
    const { store, url = "" } = await open();
    await store.platforms.insert(platform("p"));
    const key = rootKey("x", { sealed: canaryBytes, id: CANARY });
    await store.rootKeys.insert(key);
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const error = await drizzle(sql)
      .insert(rootKeys)
      .values(key)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    await sql.end();
    expect(leaks(print(error))).toContain(CANARY);
    expect(leaks(print({ sealed: canaryBytes }))).not.toEqual([]);
    expect(leaks(print({ sealed: Buffer.from(canaryBytes) }))).not.toEqual([]);
    expect(leaks(print(failure("rootKeys.insert", error).error))).toEqual([]);
  });
});

const coded = (code: string, more: object = {}) => Object.assign(new Error(CANARY), { code, ...more });

describe("what a driver throws", () => {
  test.each([
    { code: "ECONNREFUSED", outage: true },
    { code: "ECONNRESET", outage: true },
    { code: "EPIPE", outage: true },
    { code: "ENOENT", outage: true },
    { code: "CONNECTION_CLOSED", outage: true },
    { code: "CONNECT_TIMEOUT", outage: true },
    { code: "DEPTH_ZERO_SELF_SIGNED_CERT", outage: true },
    { code: "08006", outage: true },
    { code: "53300", outage: true },
    { code: "57P01", outage: true },
    { code: "57P03", outage: true },
    { code: "58030", outage: true },
    { code: "57014", outage: false },
    { code: "55P03", outage: false },
    { code: "40001", outage: false },
    { code: "40P01", outage: false },
  ])("$code is unavailable, an outage: $outage", ({ code, outage }) => {
    const wrapped = new Error(CANARY, { cause: coded(code) });
    for (const error of [coded(code), wrapped]) {
      const result = failure("test", error);
      expect(result).toMatchObject({
        outage,
        error: { code: "unavailable", message: "the database did not answer" },
      });
      expect(leaks(print(result.error))).toEqual([]);
    }
  });

  test.each([
    ["the system's", coded("ECONNRESET"), [undefined, "ECONNRESET"]],
    ["the server's", coded("57P01"), ["57P01", undefined]],
    ["what may be anything", coded(`${CANARY} 1`), [undefined, undefined]],
  ])("a code that is %s goes to the log as what it is", (_whose, error, told) => {
    const { sqlstate, code } = failure("test", error);
    expect([sqlstate, code]).toEqual(told);
  });

  test.each([
    [
      "a connection that ended",
      coded("ECONNRESET"),
      "migrate: lock failed (ECONNRESET): the database did not answer",
    ],
    ["one that says no more", unavailable(), "migrate: lock failed: the database did not answer"],
    ["a statement that was refused", coded("57014"), "migrate: lock failed: sqlstate 57014"],
  ])("at the start %s names the statement", (_what, error, message) => {
    expect(startFault("migrate: lock", error)).toMatchObject({ message });
  });

  test.each(["25006", "53100"])("%s is unavailable for changes, and no outage", (code) => {
    const result = failure("test", coded(code));
    expect(result).toMatchObject({
      outage: false,
      sqlstate: code,
      error: { code: "unavailable", message: "the database takes no changes now" },
    });
    expect(leaks(print(result.error))).toEqual([]);
  });

  test.each([
    {
      what: "a unique violation",
      error: coded("23505", { constraint_name: "c" }),
      state: "23505",
      constraint: "c",
    },
    {
      what: "the same from the embedded one",
      error: coded("23505", { constraint: "c" }),
      state: "23505",
      constraint: "c",
    },
    { what: "a syntax error", error: coded("42601"), state: "42601", constraint: undefined },
    {
      what: "an error of our own making",
      error: new TypeError(CANARY),
      state: undefined,
      constraint: undefined,
    },
    { what: "something that is no error", error: CANARY, state: undefined, constraint: undefined },
  ])("$what is a fault and no outage", ({ error, state, constraint }) => {
    const result = failure("test", error);
    expect(result).toMatchObject({
      outage: false,
      error: { name: "StorageError", sqlstate: state, constraint },
    });
    expect(result.error.cause).toBeUndefined();
    expect(leaks(print(result.error))).toEqual([]);
  });
});

test("a change that was refused speaks for the next one for a while", () => {
  let time = 0;
  const refused = createRefusedChanges(() => time);
  for (const sqlstate of [undefined, "23505", "57014", "53300"]) refused.note(sqlstate);
  expect(refused.reason()).toBeUndefined();
  refused.note("53100");
  refused.note("57014");
  time = 4_999;
  expect(refused.reason()).toBe("the database has no room on its disk (sqlstate 53100)");
  time = 5_000;
  expect(refused.reason()).toBeUndefined();
  refused.note("25006");
  expect(refused.reason()).toMatch(/^the database is read only \(sqlstate 25006\)/);
});

describe("circuit breaker", () => {
  function make() {
    let time = 0;
    let opened = 0;
    const breaker = createBreaker({
      threshold: 3,
      pause: 1_000,
      monotonic: () => time,
      onOpen: () => {
        opened += 1;
      },
    });
    return { breaker, opened: () => opened, pass: (milliseconds: number) => (time += milliseconds) };
  }

  test("opens at the third failure in a row, and a success between starts the count again", () => {
    const { breaker, opened } = make();
    for (const step of ["failed", "failed", "succeeded", "failed", "failed"] as const) breaker[step]();
    expect(breaker.admits()).toBe(true);
    expect(opened()).toBe(0);
    breaker.failed();
    expect(breaker.admits()).toBe(false);
    expect(opened()).toBe(1);
  });

  test("after the pause lets one probe through, and another only a pause later", () => {
    const { breaker, pass } = make();
    for (let n = 0; n < 3; n += 1) breaker.failed();
    pass(999);
    expect(breaker.admits()).toBe(false);
    pass(1);
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
    pass(1_000);
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
  });

  test("a probe that fails opens it for another pause, one that succeeds closes it", () => {
    const { breaker, pass } = make();
    for (let n = 0; n < 3; n += 1) breaker.failed();
    pass(1_000);
    breaker.admits();
    breaker.failed();
    pass(999);
    expect(breaker.admits()).toBe(false);
    pass(1);
    breaker.admits();
    breaker.succeeded();
    expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
  });
});
