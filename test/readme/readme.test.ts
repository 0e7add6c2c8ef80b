import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { clear } from "../../src/caveats/clear.ts";
import { reservedMember } from "../../src/caveats/reserved.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { person } from "../cli/person.ts";
import { runInShell } from "../cli/transcript.ts";
import { readManual } from "../support/manual.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { newEmbeddedHome, startService } from "../support/process-service.ts";

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
  return clear([caveat], { now, context: facts, place: "root" }).failures.length === 0;
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

test("[pglite] README's session by hand answers yes, no with a reason, and revoked", async () => {
  const home = await newEmbeddedHome();
  const service = await startService(builtBundle(), home);
  try {
    symlinkSync(home.dataDir, join(home.dataDir, "data"));
    const fenced = script("session");
    expect(fenced).toContain("B=http://127.0.0.1:8080\n");
    const commands = fenced.replace("B=http://127.0.0.1:8080", `B=${service.url}`);
    const node = { PATH: `${join(process.execPath, "..")}:${process.env["PATH"] ?? ""}` };
    const output = execFileSync("bash", ["--norc", "-euc", commands], {
      cwd: home.dataDir,
      env: node,
      encoding: "utf8",
    });
    const answers = output
      .trim()
      .replaceAll("}{", "}\n{")
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(answers).toMatchObject([
      {
        allowed: true,
        caveats: [expect.stringMatching(/^time < /), "action in read, list", "args.amount <= 100"],
      },
      { allowed: false, code: "caveat_failed", detail: "args.amount is 250, the token allows at most 100" },
      { revocations: [{ reason: "seen in a log" }] },
      { allowed: false, code: "revoked" },
    ]);
  } finally {
    await service.end("SIGKILL");
    home.remove();
  }
});

test("[pglite] the payment of the conditions' manual waits for alice, goes through once she approves, and ends when it is withdrawn", async () => {
  const home = await newEmbeddedHome();
  const service = await startService(builtBundle(), home);
  try {
    symlinkSync(home.dataDir, join(home.dataDir, "data"));
    // What the session sets, and then the story, whose talk alice reads.
    const settings = script("session").split("\n\n", 1)[0] ?? "";
    const commands = `${settings}\n${approval}`.replaceAll("http://127.0.0.1:8080", service.url);
    const { code, stderr } = await runInShell(`set -eu\n{\n${commands}\n} >&2`, {
      cwd: home.dataDir,
      env: { PATH: `${join(process.execPath, "..")}:${process.env["PATH"] ?? ""}` },
      watch: person("alice"),
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const [page, shown, summary, ...rest] = stderr.trimEnd().split("\n");
    expect(page).toMatch(new RegExp(`^${service.url}/approvals/[0-9a-f-]{36}$`));
    expect(shown).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(summary).toMatch(/^Until .* UTC, only pay, args\.amount at most 40\b/);
    expect(rest.join("")).toMatch(/"approval_id":"[0-9a-f-]{36}".*revoked$/);
  } finally {
    await service.end("SIGKILL");
    home.remove();
  }
}, 60_000);
