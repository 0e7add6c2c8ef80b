/** The master key from a command: what is run, for how long, and what is said of it. */
import { expect, test } from "vitest";

import { ConfigError } from "../../src/config/environment.ts";
import { outputOf, parseCommand } from "../../src/config/key-command.ts";
import { parseConfig } from "../../src/config.ts";

const KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const CANARY = "cAnArY";
const shell = (script: string) => JSON.stringify(["/bin/sh", "-c", script]);

function problemsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test.each([
  ["a program and words", "/bin/echo  a b", ["/bin/echo", "a", "b"]],
  ["a list, for spaces and quotes", '["/bin/echo", "a b", "\\"c\\""]', ["/bin/echo", "a b", '"c"']],
])("it is %s", (_, text, command) => {
  expect(parseCommand(text)).toEqual(command);
});

test.each([
  ["what only a shell reads", "unwrap | base64", "is run without a shell"],
  ["a quote", "unwrap 'my key'", "is run without a shell"],
  ["a variable", "unwrap $KEY", "is run without a shell"],
  ["a broken list", '["unwrap"', "must be a JSON list of texts"],
  ["a list of other things", '["unwrap", 1]', "must be a JSON list of texts"],
  ["an empty list", "[]", "must name a program"],
  ["spaces", "   ", "must name a program"],
])("%s is refused and not run", (_, text, reason) => {
  expect(problemsOf({ MASTER_KEY_COMMAND: text })).toEqual([
    expect.stringContaining(`MASTER_KEY_COMMAND: ${reason}`),
  ]);
});

test("its output is the key, an end of line aside, and it has the service's environment", () => {
  const { masterKey, warnings } = parseConfig({
    MASTER_KEY_COMMAND: shell('printf "%s\\n" "$WRAPPED"'),
    WRAPPED: KEY,
    DATABASE_URL: "postgres://db.example/bakehouse",
    OIDC_ISSUER: "https://login.example.com",
    OIDC_CLIENT_ID: "bakehouse",
  });
  expect(Buffer.from(masterKey?.reveal() ?? []).toString("base64url")).toBe(KEY);
  expect(warnings).toEqual([]);
});

test.each([
  ["ends badly", `echo ${CANARY}; exit 3`, "it ended with 3"],
  ["is killed", `echo ${CANARY}; kill -9 $$`, "it ended with SIGKILL"],
  ["prints nothing", "echo", "it printed nothing"],
  ["prints too much", `yes ${CANARY}`, "it printed more than 1024 bytes"],
  ["prints another length", `echo ${CANARY}`, "what it prints must be exactly 32 bytes"],
  ["prints something else besides", `echo ${KEY}; echo ${CANARY}`, "what it prints must be exactly 32 bytes"],
])("one that %s ends the start, and nothing that it printed is said", (_, script, reason) => {
  const problems = problemsOf({ MASTER_KEY_COMMAND: shell(script) });
  expect(problems).toEqual([expect.stringContaining(`MASTER_KEY_COMMAND: ${reason}`)]);
  expect(problems.join()).not.toContain(CANARY);
});

test("one that cannot be run is said to be so", () => {
  expect(problemsOf({ MASTER_KEY_COMMAND: "/nowhere/unwrap" })).toEqual([
    "MASTER_KEY_COMMAND: it cannot be run (ENOENT): name a program that this user may run",
  ]);
});

test("one that hangs is killed at the deadline, though its own child goes on", () => {
  expect(() => outputOf(["/bin/sh", "-c", "sleep 4 & wait"], { PATH: process.env["PATH"] }, 100)).toThrow(
    "it did not end within 0.1 s",
  );
});

test.each([
  ["MASTER_KEY", KEY],
  ["MASTER_KEY_FILE", "/run/key"],
])("beside %s it is refused, and neither is read", (name, value) => {
  expect(problemsOf({ [name]: value, MASTER_KEY_COMMAND: "/nowhere/unwrap" })).toEqual([
    "MASTER_KEY_COMMAND: set it, MASTER_KEY or MASTER_KEY_FILE, and only one of them",
  ]);
});
