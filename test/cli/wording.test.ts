import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { durationText } from "../../src/cli/show.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { serverCommands } from "../../src/run/command/commands.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const root = mint({ rootKey: new Uint8Array(32).fill(3), identifier: "id" });
const token = encodeBundle([attenuate(root, ["args.amount <= 100"])]);
const SERVICE = "https://bakehouse.example";

interface Wrong {
  readonly args: readonly string[];
  readonly exit: number;
  readonly said: readonly string[];
}

const wrong: readonly Wrong[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "wrong-inputs.json"), "utf8"),
);

async function run(args: readonly string[], options: Parameters<typeof fakeTerminal>[0] = {}) {
  const terminal = fakeTerminal({ input: token, ...options });
  const context = { environment: {}, say: () => undefined, node: "26.0.0" };
  const exit = await runCommandLine(args, { terminal, server: serverCommands(context), version: "1" });
  return { exit, said: terminal.said, printed: terminal.printed };
}

/** A service that answers everything alike, and remembers what it was asked. */
function answering(body: unknown, asked: string[] = [], status = 200): Terminal["fetch"] {
  return async (url) => {
    asked.push(url);
    const type = status < 400 ? "application/json" : "application/problem+json";
    return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
  };
}

describe("what is wrong is told with its cure", () => {
  test("there are twenty of them and more", () => expect(wrong.length).toBeGreaterThan(20));

  test.each(wrong)("$args", async ({ args, exit, said }) => {
    expect(await run(args)).toMatchObject({ exit, said });
  });
});

describe("a file that is there", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bakehouse-over-"));
    file = join(folder, "kept.token");
    writeFileSync(file, "before");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const kept = () => readFileSync(file, "utf8");
  const narrow = (args: readonly string[], answer?: boolean) =>
    run(["attenuate", "action = read", "-o", file, ...args], answer === undefined ? {} : { answer });

  test("is not written over where nobody can be asked", async () => {
    expect(await narrow([])).toMatchObject({
      exit: 2,
      said: [`bakehouse: ${file} is there already: another name, or --force to write over it`],
    });
    expect(kept()).toBe("before");
  });

  test("is written over by --force, and by a person's yes", async () => {
    expect((await narrow(["--force"])).exit).toBe(0);
    expect(kept()).not.toBe("before");
    writeFileSync(file, "before");
    expect(await narrow([], true)).toMatchObject({
      exit: 0,
      said: [`${file} is there already. Write over it?`, expect.stringMatching(/^bakehouse: Only read/)],
    });
    expect(kept()).not.toBe("before");
  });

  test("is left by a person's no", async () => {
    expect(await narrow([], false)).toMatchObject({ exit: 1 });
    expect(kept()).toBe("before");
  });

  test("is asked about before anything is issued", async () => {
    const asked: string[] = [];
    const credential = join(folder, "credential");
    writeFileSync(credential, "a-credential");
    const args = ["issue", "-o", file, "--url", SERVICE, "--credential", credential];
    expect(await run(args, { fetch: answering({}, asked) })).toMatchObject({ exit: 2 });
    expect(asked).toEqual([]);
  });
});

test.each([[["--url", SERVICE, "status"]], [[`--url=${SERVICE}`, "--json", "status"]]])(
  "%j: options that stand before the command are taken",
  async (args) => {
    const asked: string[] = [];
    await run(args, { fetch: answering({ status: "ready" }, asked) });
    expect(asked).toEqual([`${SERVICE}/readyz`]);
  },
);

test("a life that is too long is told in the unit that was typed", async () => {
  const problem = {
    type: "about:blank",
    title: "Too long",
    status: 422,
    code: "ttl_too_long",
    detail: "at most 86400 seconds are allowed here",
    member: "ttl",
  };
  const credential = { BAKEHOUSE_CREDENTIAL_FILE: join(import.meta.dirname, "wrong-inputs.token") };
  writeFileSync(credential.BAKEHOUSE_CREDENTIAL_FILE, "a-credential");
  try {
    for (const [typed, most] of [
      ["48h", "24h"],
      ["2d", "1d"],
      ["100000", "86400s"],
    ] as const) {
      const args = ["issue", "--ttl", typed, "--url", SERVICE];
      expect(await run(args, { env: credential, fetch: answering(problem, [], 422) })).toMatchObject({
        exit: 1,
        said: [`bakehouse: --ttl ${typed} is too long: at most ${most} is allowed here`],
      });
    }
  } finally {
    rmSync(credential.BAKEHOUSE_CREDENTIAL_FILE);
  }
});

test.each([
  [300, undefined, "5m"],
  [86_400, undefined, "1d"],
  [90, undefined, "90s"],
  [86_400, "h", "24h"],
  [90, "m", "90s"],
  [0, undefined, "0s"],
])("%d seconds in %s are %s", (seconds, unit, text) => {
  expect(durationText(seconds, unit)).toBe(text);
});

test("a list has a header where it is read, and rows alone where a program reads it", async () => {
  const key = {
    key_id: "a",
    platform: "default",
    state: "active",
    created_at: "2026-11-22T13:00:00.000Z",
    active_from: "2026-11-22T13:00:00.000Z",
  };
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-list-"));
  try {
    const file = join(folder, "credential");
    writeFileSync(file, "a-credential");
    const fetch = answering({ items: [key], next_cursor: null });
    const { printed } = await run(["keys", "--url", SERVICE, "--credential", file], { fetch });
    expect(printed).toEqual([
      "KEY ID  STATE   PLATFORM  SIGNS FROM",
      "a       active  default   2026-11-22 13:00:00 UTC",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
