import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { reservedMember } from "../../src/caveats/reserved.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { clearTexts } from "../caveats/texts.ts";
import { person } from "../cli/person.ts";
import { runInShell } from "../cli/transcript.ts";
import { readManual } from "../support/manual.ts";
import { type Installed, installPackage } from "../support/package.ts";
import {
  credential,
  type Home,
  newEmbeddedHome,
  type RunningService,
  startService,
} from "../support/process-service.ts";

const { code: script } = readManual("README.md");
const caveats = readManual("src/caveats/README.md").table("caveats");
const approval = readManual("src/conditions/README.md").code("approval");

function context(text: string): JsonObject {
  const value = parseJson(text);
  if (!(value instanceof Map)) throw new Error("a context is an object");
  return value;
}

/** As verify does: a context with a reserved member is refused before anything is cleared. */
function passes(caveat: string, facts: JsonObject): boolean {
  if (reservedMember(facts) !== undefined) return false;
  const now = instantFromMilliseconds(Date.UTC(2026, 10, 22));
  return clearTexts([caveat], { now, context: facts, macaroon: "root" }).failures.length === 0;
}

describe("the caveats at a glance", () => {
  test("have an example of every operator", () => {
    const operators = [
      " = ",
      " != ",
      " in ",
      " not in ",
      " < ",
      " <= ",
      " > ",
      " >= ",
      " matches ",
      " within ",
      "when ",
    ];
    expect(
      operators.filter((operator) => !caveats.some(([caveat = ""]) => caveat.includes(operator))),
    ).toEqual([]);
  });

  test.each(caveats)("%s", (caveat, yes, no) => {
    expect(passes(caveat ?? "", context(yes ?? "")), `passes with ${yes}`).toBe(true);
    expect(passes(caveat ?? "", context(no ?? "")), `fails with ${no}`).toBe(false);
  });
});

describe("[pglite] with a service of npm start", () => {
  let installed: Installed;
  let home: Home;
  let service: RunningService;
  const here = (commands: string) => {
    expect(commands).toContain("B=http://127.0.0.1:8080\n");
    return commands.replaceAll("http://127.0.0.1:8080", service.url);
  };
  const options = () => ({ cwd: installed.folder, env: { PATH: `${installed.bin}:${process.env["PATH"]}` } });

  beforeAll(async () => {
    installed = installPackage();
    home = await newEmbeddedHome();
    symlinkSync(home.dataDir, join(installed.folder, "data"));
    service = await startService(installed.script, home);
  });

  afterAll(async () => {
    await service?.end("SIGKILL");
    home?.remove();
    installed?.remove();
  });

  test("README's session by hand answers yes, no with a reason, and revoked", async () => {
    const { code, stdout, stderr } = await runInShell(`set -eu\n${here(script("session"))}`, options());
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const answers = stdout.trim().split("\n");
    expect(answers.map((line): unknown => JSON.parse(line))).toMatchObject([
      {
        allowed: true,
        agents: [expect.stringMatching(/^scraper#/)],
        caveats: expect.arrayContaining(["action in read, list", "args.amount <= 100", "args.amount <= 20"]),
      },
      {
        allowed: false,
        code: "caveat_failed",
        detail: "args.amount is 50, the token allows at most 20 (since the hand-over to scraper)",
      },
      { revocations: [{ reason: "seen in a log" }] },
      { allowed: false, code: "revoked" },
    ]);
  });

  test("a hundred children spend what their orchestrator may, ten each, and one more finds nothing left", async () => {
    const platform = credential(home, "default.token");
    const body = JSON.stringify({ platform: "default", on_behalf_of: { subject: "alice" } });
    const headers = { authorization: `Bearer ${platform}`, "content-type": "application/json" };
    const issued = await fetch(`${service.url}/v1/tokens`, { method: "POST", headers, body });
    const { token } = (await issued.json()) as { token: string };
    const example = script("children");
    writeFileSync(join(installed.folder, "children.ts"), example);
    const { env } = options();
    const { code, stdout, stderr } = await runInShell("exec node children.ts", {
      cwd: installed.folder,
      env: { ...env, BAKEHOUSE_URL: service.url, BAKEHOUSE_CREDENTIAL: platform, BAKEHOUSE_TOKEN: token },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`${example.split("// ").at(-1)}\n`);
    expect(stdout).toMatch(/^1000 together, 10 .*, 0 by the last/);
  });

  test("the conditions' payment waits for alice, goes through once she approves, and ends when it is withdrawn", async () => {
    // What the session sets, and then the story, whose talk alice reads.
    const settings = script("session").split("\n\n", 1)[0] ?? "";
    const commands = here(`${settings}\n${approval}`);
    const watch = person("alice");
    const { code, stderr } = await runInShell(`set -eu\n{\n${commands}\n} >&2`, { ...options(), watch });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [page, shown, summary, ...rest] = stderr.trimEnd().split("\n");
    expect(page).toMatch(new RegExp(`^${service.url}/approvals/[0-9a-f-]{36}$`));
    expect(shown).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(summary).toMatch(/^Until .* UTC, only pay, args\.amount at most 40\b/);
    expect(rest.join("")).toMatch(/"approval_id":"[0-9a-f-]{36}".*revoked$/);
  });
});
