import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { casesOf } from "../support/form.ts";
import { type Installed, installPackage } from "../support/package.ts";
import { run as runProcess } from "../support/process.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  SMALL_POOL,
  startService,
} from "../support/process-service.ts";
import { person } from "./person.ts";
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
  home = newHome(await emptyDatabaseUrl());
  expect((await runProcess(installed.script, ["bootstrap"], { env: home.env }).ended).code).toBe(0);
  service = await startService(installed.script, home, { ...SMALL_POOL, LOG_LEVEL: "warn" });
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

async function run(steps: readonly Step[], subject: string): Promise<readonly Step[]> {
  const done: Step[] = [];
  for (const { notes, command } of steps) {
    const step = await runInShell(command, {
      cwd: installed.folder,
      env,
      ...(/bakehouse (?:login|discharge)/.test(command) && {
        watch: person(subject, command.includes("--wait 61s") ? "deny" : "approve"),
      }),
    });
    // Nothing secret is ever talked about.
    expect(step.stderr).not.toMatch(/[A-Za-z0-9_-]{200}/);
    done.push({
      ...step,
      notes,
      stdout: steady(step.stdout).replace(/^(code +)[A-Z-]{8,}$/m, "$1CODE"),
      stderr: steady(step.stderr)
        .replace(/URL\/dev-idp\/auth\?\S+/g, "URL/dev-idp/auth?…")
        .replace(/(enter|show the code) [A-Z-]{8,}/g, "$1 CODE"),
    });
  }
  return done;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

test("there are transcripts", () => {
  expect(files.length).toBeGreaterThan(3);
});

test.each(casesOf(files, (name) => name === "story.txt" || name === "help.txt"))("%s", async (name) => {
  const file = join(FOLDER, name);
  const text = readFileSync(file, "utf8");
  // Each to themselves: what one approves and issues is not in another's lists.
  const subject = name === "approval.txt" ? "carol" : "alice";
  const done = printTranscript(await run(parseTranscript(text), subject));
  if (UPDATE) writeFileSync(file, done);
  else expect(done).toBe(text);
});
