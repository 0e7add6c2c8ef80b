import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { casesOf } from "../support/form.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";

const CANARY = "canary-7Qz";
const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8"));

async function bakehouse(args: readonly string[], env: Record<string, string> = {}) {
  const running = run(builtBundle(), args, { env });
  const { code } = await running.ended;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

test("says its version", async () => {
  expect(await bakehouse(["--version"])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
});

/** The others differ from the first in what is asked, which the command line's own tests do in one process. */
const first = (_: unknown, index: number) => index === 0;

const questions = [
  { args: ["--help"], words: ["bakehouse serve", "bakehouse migrate", "bakehouse bootstrap", "Exit codes"] },
  { args: ["-h"], words: ["bakehouse serve", "bakehouse migrate", "bakehouse bootstrap", "Exit codes"] },
  { args: ["bootstrap", "--help"], words: ["bakehouse bootstrap", "--reissue"] },
  { args: ["serve", "-h"], words: ["bakehouse serve", "until stopped"] },
];
test.each(casesOf(questions, first))("explains itself: $args", async ({ args, words }) => {
  const { code, stdout, stderr } = await bakehouse(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const word of words) expect(stdout).toContain(word);
});

const refusals = [
  { name: "no command", args: [] },
  { name: "an unknown command", args: ["bake"] },
  { name: "two commands", args: ["migrate", "serve"] },
  { name: "an unknown option", args: ["serve", "--fast"] },
  { name: "a value for an option without one", args: ["bootstrap", "--reissue=yes"] },
  { name: "an option of another command", args: ["serve", "--reissue"] },
  { name: "a member of every object", args: ["constructor"] },
];
test.each(casesOf(refusals, first))("refuses $name and starts nothing", async ({ args }) => {
  const { code, stdout, stderr } = await bakehouse(args, { DATA_DIR: "/nowhere/at/all" });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^bakehouse: .+\n$/);
});

test.each(casesOf(["serve", "migrate", "bootstrap"], first))(
  "%s reports every wrong variable at once, and no value",
  async (command) => {
    const wrong = {
      DATABASE_URL: `mysql://${CANARY}`,
      HOST: `${CANARY} `,
      PORT: `80${CANARY}`,
      PUBLIC_URL: `https://host/${CANARY}`,
      OIDC_ISSUER: `http://${CANARY}.example`,
      OIDC_TRUSTED_ISSUERS: `[{"issuer":"${CANARY}"}]`,
      MASTER_KEY: `${CANARY}${"A".repeat(34)}`,
      MASTER_KEY_PREVIOUS: CANARY,
      REVOCATION_MAX_STALENESS: CANARY,
      LOG_LEVEL: CANARY,
      OTEL_EXPORTER_OTLP_ENDPOINT: CANARY,
    };
    const { code, stdout, stderr } = await bakehouse([command], wrong);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    for (const name of Object.keys(wrong)) expect(stderr).toMatch(new RegExp(`^bakehouse: ${name}: `, "m"));
    expect(stderr).toMatch(/^bakehouse: OIDC_CLIENT_ID: is needed/m);
    expect(stderr).not.toContain(CANARY);
  },
);

const settings = [
  {
    name: "a master key file that is not there",
    env: { MASTER_KEY_FILE: `/nowhere/${CANARY}` },
    problem: /MASTER_KEY_FILE: cannot be read/,
  },
  {
    name: "both a master key and a file of it",
    env: { MASTER_KEY: "A".repeat(43), MASTER_KEY_FILE: `/nowhere/${CANARY}` },
    problem: /MASTER_KEY: set it or MASTER_KEY_FILE, not both/,
  },
  {
    name: "a server without a master key and an issuer",
    env: { DATABASE_URL: `postgres://${CANARY}@127.0.0.1/x` },
    problem: /MASTER_KEY: is needed[\s\S]*OIDC_ISSUER: is needed/,
  },
  {
    name: "the development identity provider where others can reach it",
    env: { HOST: "0.0.0.0" },
    problem: /OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback/,
  },
];
test.each(casesOf(settings, first))("does not start with $name", async ({ env, problem }) => {
  const { code, stderr } = await bakehouse(["serve"], env);
  expect(code).toBe(2);
  expect(stderr).toMatch(problem);
  expect(stderr).not.toContain(CANARY);
});

test("says that no database answers, without its address or password", async () => {
  const { code, stdout, stderr } = await bakehouse(["migrate"], {
    DATABASE_URL: `postgres://someone:${CANARY}@127.0.0.1:1/x`,
    OIDC_ISSUER: "development",
    MASTER_KEY: "A".repeat(43),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^bakehouse: .+\n$/);
  expect(stdout + stderr).not.toContain(CANARY);
});
