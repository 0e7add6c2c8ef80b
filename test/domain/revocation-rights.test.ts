import { describe, expect, test } from "vitest";

import type { Caller } from "../../src/domain/caller.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { createRevocationRights, type NamedTarget } from "../../src/domain/revoke/rights.ts";
import { identityOf } from "../support/identity.ts";

const OWN = "https://login.test";
const UNTIL = 1_700_000_000_000;
const ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const LINK = "AAECAwQFBgcICQoLDA0ODw";
const PRINCIPALS: Readonly<Record<string, { platform: string; issuer: string; subject: string }>> = {
  alice_shop: { platform: "shop", issuer: OWN, subject: "alice" },
  bob_shop: { platform: "shop", issuer: OWN, subject: "bob" },
  alice_bank: { platform: "bank", issuer: OWN, subject: "alice" },
  alice_elsewhere: { platform: "shop", issuer: "https://partner.test", subject: "alice" },
};

const human = (subject: string, administrator: boolean): Caller => ({
  kind: "human",
  administrator,
  spokeAt: 0,
  identity: identityOf(OWN, subject),
});
const credential = (role: "administrator" | "platform", refusal?: string): Caller => ({
  kind: "service",
  role,
  platform: role === "platform" ? "shop" : undefined,
  credentialId: "c",
  links: ["link"],
  narrowed: [],
  resource: undefined,
  refuses: (action) => (action === "revoke" ? refusal : "asked for another action"),
});
const CALLERS = {
  alice: human("alice", false),
  administrator: human("root", true),
  "administrator's credential": credential("administrator"),
  shop: credential("platform"),
} as const;
type Who = keyof typeof CALLERS;

const AUTHORS = {
  alice: { scope: { kind: "principal", issuer: OWN, subject: "alice" }, author: "principal" },
  administrator: { scope: { kind: "all" }, author: "administrator" },
  "administrator's credential": { scope: { kind: "all" }, author: "administrator" },
  shop: { scope: { kind: "platform", platform: "shop" }, author: "platform:shop" },
} as const;

const DECISION = { approved: true, issuer: OWN, subject: "alice" };
const REQUESTS: Readonly<Record<string, unknown>> = {
  hers: { decisions: [{ ...DECISION, subject: "bob" }, DECISION], about: { platform: "bank" } },
  hers_of_none: { decisions: [DECISION], about: null },
  refused: { decisions: [{ ...DECISION, approved: false }], about: { platform: "bank" } },
  bobs: { decisions: [{ ...DECISION, subject: "bob" }], about: { platform: "bank" } },
  elsewhere: { decisions: [{ ...DECISION, issuer: "https://partner.test" }], about: { platform: "bank" } },
  undecided: { decisions: [], about: { platform: "bank" } },
};
const KEYS: Readonly<Record<string, unknown>> = {
  key_shop: { id: "key_shop", platform: "shop", key: new Secret(new Uint8Array(32)) },
  key_bank: { id: "key_bank", platform: "bank", key: new Secret(new Uint8Array(32)) },
};

type Options = Parameters<typeof createRevocationRights>[0];
const found = (things: Readonly<Record<string, unknown>>) => ({ find: async (name: string) => things[name] });
const rights = createRevocationRights({
  store: {
    platforms: found({ shop: {}, bank: {} }),
    dischargeRequests: found(REQUESTS),
  } as unknown as Options["store"],
  rootKeys: found(KEYS) as unknown as Options["rootKeys"],
  principals: found(PRINCIPALS) as unknown as Options["principals"],
  ownIssuer: OWN,
});

/** What a caller's target becomes, or the refusal with the member that it names. */
async function outcome(caller: Caller, target: NamedTarget): Promise<unknown> {
  try {
    const { draft, key } = await rights.of(caller)(target, "targets[0]");
    const { scope, author } = draft;
    return { target: draft.target(UNTIL), scope, author, ...(key !== undefined && { key: key.id }) };
  } catch (error) {
    if (error instanceof DomainError) return `${error.code} ${error.member}: ${error.message}`;
    throw error;
  }
}

const EVERYONE: readonly Who[] = ["alice", "administrator", "administrator's credential", "shop"];

describe("a target is taken from everybody who may name it, within their own scope", () => {
  const before = { issuedBefore: 5 };
  test.each<[NamedTarget, object, readonly Who[]]>([
    [
      { kind: "revocation_id", revocationId: LINK },
      { kind: "revocation_id", id: Uint8Array.from({ length: 16 }, (_, index) => index) },
      EVERYONE,
    ],
    [{ kind: "token_id", tokenId: ID }, { kind: "token_id", id: ID }, EVERYONE],
    [
      { kind: "principal", issuer: OWN, subject: "alice", issuedBefore: undefined },
      { kind: "principal", issuer: OWN, subject: "alice", issuedBefore: UNTIL },
      EVERYONE,
    ],
    [
      { kind: "principal", issuer: undefined, subject: "alice", ...before },
      { kind: "principal", issuer: OWN, subject: "alice", ...before },
      EVERYONE,
    ],
    [
      { kind: "principal", issuer: "https://partner.test", subject: "bob", ...before },
      { kind: "principal", issuer: "https://partner.test", subject: "bob", ...before },
      ["administrator", "administrator's credential", "shop"],
    ],
    [
      { kind: "principal_id", id: "alice_shop", issuedBefore: undefined },
      { kind: "principal_id", id: "alice_shop", issuedBefore: UNTIL },
      EVERYONE,
    ],
    [
      { kind: "principal_id", id: "bob_shop", ...before },
      { kind: "principal_id", id: "bob_shop", ...before },
      ["administrator", "administrator's credential", "shop"],
    ],
    [
      { kind: "principal_id", id: "alice_bank", ...before },
      { kind: "principal_id", id: "alice_bank", ...before },
      ["alice", "administrator", "administrator's credential"],
    ],
    [
      { kind: "agent", agent: "planner", tokenId: undefined, issuedBefore: undefined },
      { kind: "agent", agent: "planner", tokenId: null, issuedBefore: UNTIL },
      EVERYONE,
    ],
    [
      { kind: "agent", agent: "planner#1", tokenId: ID, ...before },
      { kind: "agent", agent: "planner#1", tokenId: ID, ...before },
      EVERYONE,
    ],
    [
      { kind: "platform", platform: "shop", issuedBefore: undefined },
      { kind: "platform", platform: "shop", issuedBefore: UNTIL },
      EVERYONE,
    ],
    [
      { kind: "platform", platform: "bank", ...before },
      { kind: "platform", platform: "bank", ...before },
      ["alice", "administrator", "administrator's credential"],
    ],
    // A person's entry reaches their own tokens only, so it tells nothing of whether the platform is there.
    [
      { kind: "platform", platform: "nowhere", ...before },
      { kind: "platform", platform: "nowhere", ...before },
      ["alice"],
    ],
  ])("%j", async (target, entry, whose) => {
    for (const who of EVERYONE) {
      const result = await outcome(CALLERS[who], target);
      if (whose.includes(who)) expect(result).toEqual({ target: entry, ...AUTHORS[who] });
      else expect(result).toBeTypeOf("string");
    }
  });

  test.each<[string, readonly Who[]]>([
    ["key_shop", ["administrator", "administrator's credential", "shop"]],
    ["key_bank", ["administrator", "administrator's credential"]],
  ])("%s, which has to be replaced first", async (keyId, whose) => {
    for (const who of whose) {
      expect(await outcome(CALLERS[who], { kind: "key_id", keyId })).toEqual({
        target: { kind: "key_id", id: keyId },
        key: keyId,
        ...AUTHORS[who],
      });
    }
  });
});

describe("a target is refused", () => {
  test.each<[Who, NamedTarget, string]>([
    [
      "administrator",
      { kind: "revocation_id", revocationId: "AA" },
      "invalid_request targets[0].revocation_id: is not a revocation id",
    ],
    [
      "administrator",
      { kind: "token_id", tokenId: "1" },
      "invalid_request targets[0].token_id: is not a token id",
    ],
    [
      "alice",
      { kind: "principal", issuer: OWN, subject: "bob", issuedBefore: undefined },
      "forbidden targets[0].principal: only an administrator or a platform may revoke somebody else's tokens",
    ],
    [
      "alice",
      { kind: "principal", issuer: "https://partner.test", subject: "alice", issuedBefore: undefined },
      "forbidden targets[0].principal: only an administrator or a platform may revoke somebody else's tokens",
    ],
    [
      "alice",
      { kind: "principal_id", id: "bob_shop", issuedBefore: 1 },
      "not_found targets[0].principal: no such principal",
    ],
    [
      "alice",
      { kind: "principal_id", id: "alice_elsewhere", issuedBefore: 1 },
      "not_found targets[0].principal: no such principal",
    ],
    [
      "shop",
      { kind: "principal_id", id: "alice_bank", issuedBefore: 1 },
      "not_found targets[0].principal: no such principal",
    ],
    [
      "shop",
      { kind: "principal_id", id: "nobody", issuedBefore: 1 },
      "not_found targets[0].principal: no such principal",
    ],
    [
      "administrator",
      { kind: "principal_id", id: "nobody", issuedBefore: 1 },
      "not_found targets[0].principal: no such principal",
    ],
    ...["", "a b", "a = b", "a#", "a, b", " a", "a#b#c"].map((agent): [Who, NamedTarget, string] => [
      "alice",
      { kind: "agent", agent, tokenId: undefined, issuedBefore: undefined },
      "invalid_request targets[0].agent: is not an agent's name, or name#instance",
    ]),
    [
      "alice",
      { kind: "agent", agent: "a", tokenId: "1", issuedBefore: undefined },
      "invalid_request targets[0].token_id: is not a token id",
    ],
    [
      "alice",
      { kind: "key_id", keyId: "key_shop" },
      "forbidden targets[0].key_id: only an administrator or a platform may revoke a key",
    ],
    ["shop", { kind: "key_id", keyId: "key_bank" }, "not_found targets[0].key_id: no such key"],
    ["administrator", { kind: "key_id", keyId: "none" }, "not_found targets[0].key_id: no such key"],
    [
      "shop",
      { kind: "platform", platform: "bank", issuedBefore: 1 },
      "not_found targets[0].platform: no such platform",
    ],
    [
      "shop",
      { kind: "platform", platform: "nowhere", issuedBefore: 1 },
      "not_found targets[0].platform: no such platform",
    ],
    [
      "administrator",
      { kind: "platform", platform: "nowhere", issuedBefore: 1 },
      "not_found targets[0].platform: no such platform",
    ],
  ])("to %s: %j", async (who, target, refusal) => expect(await outcome(CALLERS[who], target)).toBe(refusal));

  test.each(["platform", "administrator"] as const)("where a caveat of a %s's credential says no", (role) => {
    expect(() => rights.of(credential(role, "the caveat says no"))).toThrow("the caveat says no");
  });

  test("without a credential", () => {
    expect(() => rights.of(undefined)).toThrow(expect.objectContaining({ code: "unauthenticated" }));
  });
});

describe("an approval", () => {
  const withdrawn = (id: string, as: object) => ({ target: { kind: "approval_id", id }, ...as });

  test.each<[Who, string, object]>([
    // Within the platform whose token was approved, though that is not theirs.
    ["alice", "hers", { scope: { kind: "platform", platform: "bank" }, author: "approver" }],
    ["alice", "hers_of_none", { scope: { kind: "all" }, author: "approver" }],
    ...["refused", "bobs", "elsewhere", "undecided", "none"].map((id): [Who, string, object] => [
      "alice",
      id,
      AUTHORS.alice,
    ]),
    ["administrator", "hers", AUTHORS.administrator],
    ["shop", "hers", AUTHORS.shop],
  ])("%s names %s", async (who, id, as) => {
    expect(await outcome(CALLERS[who], { kind: "approval_id", approvalId: id })).toEqual(withdrawn(id, as));
  });

  test("an administrator who approved it speaks as an administrator", async () => {
    const caller = human("alice", true);
    const result = await outcome(caller, { kind: "approval_id", approvalId: "hers" });
    expect(result).toEqual(withdrawn("hers", AUTHORS.administrator));
  });
});

test("the draft names the actor and the member that it stands in", async () => {
  const { draft } = await rights.of(CALLERS.alice)({ kind: "token_id", tokenId: ID }, "targets[3]");
  expect(draft).toMatchObject({
    actor: { kind: "principal", issuer: OWN, subject: "alice" },
    member: "targets[3]",
  });
});
