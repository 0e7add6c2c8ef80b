import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { clear } from "../../src/caveats/clear.ts";
import { reservedMember } from "../../src/caveats/reserved.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { attenuate, decodeBundle, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { person } from "../cli/person.ts";
import { runInShell } from "../cli/transcript.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { newEmbeddedHome, startService } from "../support/process-service.ts";

const README = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

/** What stands behind a marker, up to the next empty line after it. */
function section(marker: string): string {
  const at = README.indexOf(`<!-- ${marker} -->\n`);
  if (at < 0) throw new Error(`README has no marker ${marker}`);
  const text = README.slice(at + marker.length + 10);
  return text.slice(0, text.search(/\n\n(?!\s*#|\w|curl)/));
}

/** The commands behind a marker. */
function script(marker: string): string {
  const [, text] = /```sh\n([\s\S]*?)```/.exec(README.slice(README.indexOf(`<!-- ${marker} -->`))) ?? [];
  if (text === undefined) throw new Error(`README has no commands at ${marker}`);
  return text;
}

const rows = section("caveats")
  .split("\n")
  .slice(2)
  .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, cell]) => cell ?? ""));

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

describe("README's caveat reference", () => {
  test("has an example of every operator", () => {
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
    expect(operators.filter((operator) => !rows.some(([caveat = ""]) => caveat.includes(operator)))).toEqual(
      [],
    );
  });

  test.each(rows)("%s", (caveat, yes, no) => {
    expect(passes(caveat ?? "", context(yes ?? "")), `passes with ${yes}`).toBe(true);
    expect(passes(caveat ?? "", context(no ?? "")), `fails with ${no}`).toBe(false);
  });
});

test("README's attenuation is what the core does", () => {
  const code = section("attenuate");
  for (const name of ["attenuate", "decodeBundle", "encodeBundle"]) expect(code).toContain(name);
  const token = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(1), identifier: "id" })]);
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(decoded.detail);
  const narrower = attenuate(decoded.macaroons[0], ["agent = researcher#1", "args.amount <= 20"]);
  const again = decodeBundle(encodeBundle([narrower]));
  expect(again.ok && again.macaroons[0].unverifiedCaveats).toHaveLength(2);
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

test("[pglite] README's payment waits for alice, goes through once she approves, and ends when it is withdrawn", async () => {
  const home = await newEmbeddedHome();
  const service = await startService(builtBundle(), home);
  try {
    symlinkSync(home.dataDir, join(home.dataDir, "data"));
    // What the session sets, and then the story, whose talk alice reads.
    const settings = script("session").split("\n\n", 1)[0] ?? "";
    const commands = `${settings}\n${script("approval")}`.replaceAll("http://127.0.0.1:8080", service.url);
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
