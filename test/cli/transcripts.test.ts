import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { createBrowser } from "../support/browser.ts";
import { type Installed, installPackage } from "../support/package.ts";
import {
  credential,
  type Home,
  newEmbeddedHome,
  type RunningService,
  startService,
} from "../support/process-service.ts";
import { parseTranscript, printTranscript, runInShell, type Step, steady } from "./transcript.ts";

const FOLDER = join(import.meta.dirname, "transcripts");
/** Set to write down what the commands do now: read the difference before you keep it. */
const UPDATE = process.env["BAKEHOUSE_UPDATE_TRANSCRIPTS"] === "1";

let installed: Installed;
let home: Home;
let service: RunningService;
let env: Record<string, string>;

beforeAll(async () => {
  installed = installPackage();
  home = await newEmbeddedHome();
  service = await startService(installed.script, home, { LOG_LEVEL: "warn" });
  env = {
    PATH: `${installed.bin}:${process.env["PATH"] ?? ""}`,
    HOME: installed.folder,
    BAKEHOUSE_URL: service.url,
  };
  for (const file of ["admin.token", "default.token"] as const) {
    writeFileSync(join(installed.folder, file), credential(home, file), { mode: 0o600 });
  }
  // A token whose every byte is known, for what needs no service.
  const minted = mint({
    rootKey: new Uint8Array(32).fill(7),
    identifier: "bh1.Zk3vQm2xT9aBcDeF.019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081.pW3kD0q9xYb2LmNa.2",
    location: "https://tokens.example",
  });
  const fixed = attenuate(minted, ["time < 2999-01-01T00:00:00Z", "action in read, list"]);
  writeFileSync(join(installed.folder, "fixed.token"), encodeBundle([fixed]));
});

afterAll(async () => {
  await service?.end("SIGTERM");
  home?.remove();
  installed?.remove();
});

/** Somebody at the login pages, who does what the command asks for. */
function person(subject: string): (stderr: string) => void {
  let came = false;
  return (stderr) => {
    const [page] = /http:\S+\/(?:auth|device)\S*(?= |\n)/.exec(stderr) ?? [];
    if (page === undefined || came) return;
    came = true;
    const code = /enter (\S+)/.exec(stderr)?.[1];
    void logIn(page, subject, code);
  };
}

async function logIn(page: string, subject: string, code: string | undefined): Promise<void> {
  const browser = createBrowser();
  const first = await browser.get(page);
  if (code === undefined) {
    await browser.submit(first.form(), { name: subject });
    return;
  }
  const login = await browser.submit(first.form(), { user_code: code });
  const confirm = await browser.submit(login.form(), { name: subject });
  await browser.submit(confirm.form(), {});
}

async function run(steps: readonly Step[]): Promise<readonly Step[]> {
  const done: Step[] = [];
  for (const { notes, command } of steps) {
    const step = await runInShell(command, {
      cwd: installed.folder,
      env,
      ...(command.includes("bakehouse login") && { watch: person("alice") }),
    });
    // Nothing secret is ever talked about.
    expect(step.stderr).not.toMatch(/[A-Za-z0-9_-]{200}/);
    done.push({
      ...step,
      notes,
      stdout: steady(step.stdout),
      stderr: steady(step.stderr)
        .replace(/URL\/dev-idp\/auth\?\S+/g, "URL/dev-idp/auth?…")
        .replace(/enter [A-Z-]{8,}/, "enter CODE"),
    });
  }
  return done;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

test("there are transcripts", () => {
  expect(files.length).toBeGreaterThan(3);
});

test.each(files)("%s", { timeout: 120_000 }, async (name) => {
  const file = join(FOLDER, name);
  const text = readFileSync(file, "utf8");
  const done = printTranscript(await run(parseTranscript(text)));
  if (UPDATE) writeFileSync(file, done);
  else expect(done).toBe(text);
});
