import { describe, expect, test } from "vitest";
import { readRevocation } from "../../src/client/answers.ts";
import {
  BakehouseError,
  createBakehouse,
  PROBLEM_CODES,
  type ProblemCode,
  REFUSAL_CODES,
  type RefusalCode,
  type RevocationTarget,
} from "../../src/client/index.ts";
import type { RevocationTarget as StoredTarget } from "../../src/domain/ports/revocations.ts";
import { PROBLEMS } from "../../src/http/parts/problem-codes.ts";
import { revocationWire, revokeBody } from "../../src/http/wire/revocation.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { TargetName } from "../../src/words/revocations.ts";
import { OPENAPI, violations } from "../support/contract.ts";

/** The words of an enumeration in openapi.yaml. */
function described(schema: string, ...members: readonly string[]): readonly string[] {
  let found: unknown = OPENAPI.components.schemas[schema];
  for (const member of members) found = (found as Readonly<Record<string, unknown>>)[member];
  return found as readonly string[];
}

describe("the library's codes are the server's", () => {
  test("problem codes, in the order of openapi.yaml and of the server's table", () => {
    expect(PROBLEM_CODES).toEqual(described("Problem", "properties", "code", "enum"));
    expect(PROBLEM_CODES).toEqual(Object.keys(PROBLEMS));
  });

  test("refusal codes, in the order in which they apply", () => {
    expect(REFUSAL_CODES).toEqual(described("RefusalCode", "enum"));
  });

  test.each(PROBLEM_CODES)("a problem %s reaches the caller under its own code", async (code) => {
    const { status, title } = PROBLEMS[code];
    const type = `urn:bakehouse:problem:${code}`;
    const headers = { "content-type": "application/problem+json" };
    const client = createBakehouse({
      url: "https://b.example",
      retries: 0,
      fetch: async () =>
        new Response(JSON.stringify({ type, title, status, code, detail: "why" }), { status, headers }),
    });
    const error = await client.tokens.get("x").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BakehouseError);
    expect(error).toMatchObject({ code, status });
  });

  // The compiler holds these: both types take every word of the lists, and words of newer services.
  test("a code that the library does not know is a text", () => {
    const problem: ProblemCode = "brewed_too_long" as string;
    const refusal: RefusalCode = "brewed_too_long" as string;
    expect([PROBLEM_CODES, REFUSAL_CODES].flat()).not.toContain(problem);
    expect(REFUSAL_CODES).not.toContain(refusal);
  });
});

const TOKEN_ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const BEFORE = "2026-11-22T13:00:00.000Z";
const at = Date.parse(BEFORE);

/** Each target: as the library's callers write it, and as the log holds it. A new target makes this table incomplete. */
const TARGETS: Readonly<
  Record<TargetName, readonly (readonly [asked: RevocationTarget, stored: StoredTarget])[]>
> = {
  token: [[{ token: "AgEV" }, { kind: "revocation_id", id: new Uint8Array(16) }]],
  revocation_id: [[{ revocation_id: "A".repeat(22) }, { kind: "revocation_id", id: new Uint8Array(16) }]],
  token_id: [[{ token_id: TOKEN_ID }, { kind: "token_id", id: TOKEN_ID }]],
  principal: [
    [
      { principal: { issuer: "https://i.example", subject: "alice" }, issued_before: BEFORE },
      { kind: "principal", issuer: "https://i.example", subject: "alice", issuedBefore: at },
    ],
    [
      { principal: { id: "pW3kD0q9xYb2LmNa" }, issued_before: BEFORE },
      { kind: "principal_id", id: "pW3kD0q9xYb2LmNa", issuedBefore: at },
    ],
  ],
  agent: [
    [
      { agent: "worker#1", token_id: TOKEN_ID, issued_before: BEFORE },
      { kind: "agent", agent: "worker#1", tokenId: TOKEN_ID, issuedBefore: at },
    ],
  ],
  key_id: [[{ key_id: "Zk3vQm2xT9aBcDeF" }, { kind: "key_id", id: "Zk3vQm2xT9aBcDeF" }]],
  approval_id: [[{ approval_id: TOKEN_ID }, { kind: "approval_id", id: TOKEN_ID }]],
  platform: [
    [
      { platform: "default", issued_before: BEFORE },
      { kind: "platform", platform: "default", issuedBefore: at },
    ],
  ],
};

describe("the library's revocation targets are the server's", () => {
  const all = Object.entries(TARGETS).flatMap(([name, pairs]) =>
    pairs.map((pair) => [name, ...pair] as const),
  );

  test.each(all)("%s is read by the server, which describes it", async (_, asked) => {
    expect(violations(["components", "schemas", "RevocationTarget"], asked)).toEqual([]);
    const body = parseJson(JSON.stringify({ targets: [asked] }));
    const { targets } = await revokeBody.read(body, new Map(), { monotonic: () => 0 });
    expect(targets).toHaveLength(1);
  });

  test.each(all)("%s of an entry is read by the library, whole", (name, asked, target) => {
    const revocation = {
      id: TOKEN_ID,
      number: 1,
      scope: { kind: "all" },
      target,
      reason: null,
      author: "administrator",
      revokedAt: at,
      lastMatchAt: at,
    } as const;
    const written = revocationWire({ revocation, sequence: "k3v9Qm2x-1" });
    const read = readRevocation(JSON.stringify(written));
    expect(read).toEqual(written);
    expect(read.target).toEqual(name === "token" ? { revocation_id: "A".repeat(22) } : asked);
  });
});
