import { describe, expect, test } from "vitest";

import { clear, type Facts } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { contradictions } from "../../src/caveats/together/contradictions.ts";
import { summarise } from "../../src/caveats/together/summary.ts";
import { summaryParts } from "../../src/caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";

const FILES = "https://mcp.example.com/mcp";
const MAIL = "https://mail.example.com";

const read = (caveats: readonly string[]) => caveats.map((text) => compileCaveat(text));

function failures(caveats: readonly string[], facts: Partial<Facts> = {}) {
  const now = instantFromMilliseconds(0);
  return clear(read(caveats), { now, context: new Map(), macaroon: "root", ...facts }).failures;
}

describe("aud", () => {
  test.each([
    [`aud = ${FILES}`, FILES, true],
    [`aud = ${FILES}`, MAIL, false],
    [`aud = ${FILES}`, undefined, false],
    [`aud = ${FILES}`, `${FILES}/`, false],
    [`aud = ${FILES}`, `${FILES}/deeper`, false],
    [`aud = ${FILES}`, "https://mcp.example.com", false],
    [`aud = HTTPS://MCP.EXAMPLE.COM/mcp`, FILES, false],
    [`aud in ${MAIL}, ${FILES}`, FILES, true],
    [`aud in "${FILES}"`, FILES, true],
    [`aud in ${MAIL}, ${FILES}`, "https://other.example", false],
  ])("%s, asked as %s: %s", (caveat, resource, passes) => {
    const [failure] = failures([caveat], { resource });
    expect(failure?.code).toBe(passes ? undefined : "caveat_failed");
  });

  test("says who asks, and for whom the token is", () => {
    expect(failures([`aud = ${FILES}`], { resource: MAIL })[0]?.detail).toBe(
      `the resource ${MAIL} asks, the token is only for ${FILES}`,
    );
    expect(failures([`aud in ${FILES}, ${MAIL}`])[0]?.detail).toBe(
      `no resource asks, the token is only for ${FILES} or ${MAIL}`,
    );
  });

  test.each([
    "aud != x",
    "aud matches https://**",
    "aud < 5",
    "aud not in x",
    "aud.x = y",
    "aud in ",
    "aud within ::/0",
  ])("%j is unknown", (text) => expect(parseCaveat(text)).toBeUndefined());

  test("stands in no part of when … then …, and no context sets it", () => {
    expect(parseCaveat(`when aud = ${FILES} then action = read`)).toBeUndefined();
    expect(parseCaveat(`when action = read then aud = ${FILES}`)).toBeUndefined();
    const context = new Map([["aud", FILES]]);
    expect(failures([`aud = ${FILES}`], { context })).toHaveLength(1);
  });

  test("all of a chain have to name the resource, wherever they stand", () => {
    expect(failures([`aud = ${FILES}`, `aud in ${MAIL}, ${FILES}`], { resource: FILES, issued: 1 })).toEqual(
      [],
    );
    expect(failures([`aud = ${FILES}`, `aud = ${MAIL}`], { resource: FILES, issued: 1 })).toHaveLength(1);
    expect(failures([`aud = ${FILES}`], { resource: MAIL, macaroon: "discharge" })).toHaveLength(1);
    const [warning] = contradictions(read([`aud = ${FILES}`, "action = read", `aud in ${MAIL}`]));
    expect(warning).toMatchObject({
      indexes: [0, 2],
      detail: expect.stringContaining("no resource is named"),
    });
    expect(contradictions(read([`aud = ${FILES}`, `aud in ${MAIL}, ${FILES}`]))).toEqual([]);
  });
});

describe("client", () => {
  test.each([
    { name: "issued behind an aud", caveats: [`aud = ${FILES}`, "client = app"], issued: 2, passes: true },
    { name: "appended", caveats: [`aud = ${FILES}`, "client = app"], issued: 1, passes: false },
    { name: "issued without an aud", caveats: ["action = read", "client = app"], issued: 2, passes: false },
    { name: "issued before the aud", caveats: ["client = app", `aud = ${FILES}`], issued: 2, passes: false },
  ])("$name: $passes", ({ caveats, issued, passes }) => {
    const facts = { issued, resource: FILES, context: new Map([["action", "read"]]) };
    expect(failures(caveats, facts).map(({ code }) => code)).toEqual(passes ? [] : ["caveat_unknown"]);
    expect(failures(caveats, { ...facts, macaroon: "discharge" })).not.toEqual([]);
  });

  test.each(["client != app", "client in a, b", "client matches **", "client.id = x", "client = two words"])(
    "%j is unknown",
    (text) => expect(parseCaveat(text)).toBeUndefined(),
  );
});

describe("summaries", () => {
  const issued = [
    `aud = ${FILES}`,
    "scope in files:read, files:list",
    "client = https://app.example/client.json",
  ];

  test("say for whom a token is, with which scopes, and to which client it was issued", () => {
    expect(summarise(read(issued), { issued: 3 })).toBe(
      `Only for ${FILES}, issued to the client https://app.example/client.json, scope only files:read or files:list.`,
    );
    expect(summarise(read([`aud = ${FILES}`, `aud = ${MAIL}`]))).toBe("For no resource at all.");
  });

  test("never take a client that a holder appended for one that it was issued to", () => {
    const conditions = read([...issued, "client = evil", `aud in ${FILES}, ${MAIL}`]);
    const parts = summaryParts(conditions, 3, { issued: 3 });
    expect(
      parts.map(({ by, text }) => [by, text.includes("evil"), text.includes("1 condition that")]),
    ).toEqual([
      ["issued", false, false],
      ["holder", false, true],
    ]);
    expect(summarise(conditions, { issued: 3 })).not.toContain("evil");
  });
});
