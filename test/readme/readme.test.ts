import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { reservedMember } from "../../src/caveats/reserved.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { clearTexts } from "../caveats/texts.ts";
import { person } from "../cli/person.ts";
import { steady } from "../cli/transcript.ts";
import { atLength } from "../support/form.ts";
import { readManual, shellBlocks } from "../support/manual.ts";
import { type Clone, newClone } from "./clone.ts";

const { text: readme } = readManual("README.md");
const caveats = readManual("src/caveats/README.md").table("caveats");
const approval = readManual("src/conditions/README.md").code("approval");

/** What is the same in every run; npm's own lines and those of the build are of no interest. */
function lasting(text: string): string {
  const lines = text.split("\n").filter((line) => !/^> | kB minified, |^$/.test(line));
  return steady(lines.join("\n").replace(/127\.0\.0\.1:\d+/g, "ADDRESS"));
}

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

atLength(() => {
  // Two services and a dozen commands of npm: a machine that does much else takes minutes.
  describe("[pglite] in a fresh clone", { timeout: 600_000 }, () => {
    let clone: Clone;
    beforeAll(async () => {
      clone = await newClone();
    });
    afterAll(() => clone?.remove());

    test("README runs from top to bottom in one shell and prints what it shows, and alice approves a payment", async () => {
      const [start, ...blocks] = shellBlocks(readme);
      expect(start?.code).toBe("npm ci && npm start");
      const before = clone.strangers();
      // The conditions' story goes on in the session's shell; alice reads its talk.
      const said = await clone.play([...blocks.map(({ code }) => code), approval], person("alice"));
      for (const [at, { code, answer }] of blocks.entries()) {
        expect(lasting(said[at] ?? ""), code).toBe(lasting(answer ?? ""));
      }

      const [page, shown, summary, ...rest] = (said.at(-1) ?? "").split("\n");
      expect(page).toMatch(new RegExp(`^${clone.url}/approvals/[0-9a-f-]{36}$`));
      expect(shown).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
      expect(summary).toMatch(/^Until .* UTC, only pay, args\.amount at most 40\b/);
      expect(rest.join("")).toMatch(/"approval_id":"[0-9a-f-]{36}".*revoked$/);

      // What it wrote, git ignores, and nobody else reads.
      expect(clone.strangers()).toEqual(before);
      expect(clone.open()).toEqual([]);
    });
  });
});
