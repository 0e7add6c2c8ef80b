import { describe, expect, test } from "vitest";

import {
  admitsDocumentOf,
  CLOSED_POLICY,
  DEFAULT_PLATFORM_POLICY,
  type PolicyRule,
  type PolicySubject,
  readPolicyFor,
  ruleFor,
} from "../../src/domain/ports/policy.ts";

const OWN = "https://login.test";
const OTHER = "https://partner.test";
const ANYONE: PolicyRule = {
  issuer: null,
  groups: null,
  subjects: null,
  caveats: [],
  maxTtl: 60,
  onBehalfOf: false,
};

function human(over: Partial<PolicySubject> = {}): PolicySubject {
  return { issuer: OWN, kind: "person", subject: "alice", groups: [], assertedBy: "issuer", ...over };
}

describe("a rule matches a human who satisfies every member that it has", () => {
  test.each<{ name: string; rule: Partial<PolicyRule>; who: Partial<PolicySubject>; matches: boolean }>([
    { name: "nothing asked", rule: {}, who: {}, matches: true },
    { name: "nothing asked, of another issuer", rule: {}, who: { issuer: OTHER }, matches: false },
    { name: "the other issuer", rule: { issuer: OTHER }, who: { issuer: OTHER }, matches: true },
    { name: "the other issuer, of one's own", rule: { issuer: OTHER }, who: {}, matches: false },
    { name: "the own issuer by name", rule: { issuer: OWN }, who: {}, matches: true },
    { name: "an issuer with a slash more", rule: { issuer: `${OWN}/` }, who: {}, matches: false },
    { name: "a subject", rule: { subjects: ["bob", "alice"] }, who: {}, matches: true },
    { name: "another subject", rule: { subjects: ["bob"] }, who: {}, matches: false },
    { name: "a subject in other letters", rule: { subjects: ["Alice"] }, who: {}, matches: false },
    { name: "no subject at all", rule: { subjects: [] }, who: {}, matches: false },
    { name: "a group", rule: { groups: ["x", "y"] }, who: { groups: ["y", "z"] }, matches: true },
    { name: "another group", rule: { groups: ["x"] }, who: { groups: ["y"] }, matches: false },
    { name: "a group, of one without", rule: { groups: ["x"] }, who: {}, matches: false },
    { name: "a group named as the subject", rule: { groups: ["alice"] }, who: {}, matches: false },
    { name: "no group at all", rule: { groups: [] }, who: { groups: ["x"] }, matches: false },
    {
      name: "group and subject, one of them",
      rule: { groups: ["x"], subjects: ["bob"] },
      who: { groups: ["x"] },
      matches: false,
    },
    {
      name: "group and subject, both",
      rule: { groups: ["x"], subjects: ["alice"] },
      who: { groups: ["x"] },
      matches: true,
    },
    { name: "a platform's word, unasked", rule: {}, who: { assertedBy: "platform" }, matches: false },
    {
      name: "a platform's word",
      rule: { onBehalfOf: true },
      who: { assertedBy: "platform" },
      matches: true,
    },
    {
      name: "a platform's word for another subject",
      rule: { onBehalfOf: true, subjects: ["bob"] },
      who: { assertedBy: "platform" },
      matches: false,
    },
    {
      name: "a platform's word about groups",
      rule: { onBehalfOf: true, groups: ["x"] },
      who: { assertedBy: "platform", groups: ["x"] },
      matches: false,
    },
    {
      name: "an issuer's word where a platform's would do",
      rule: { onBehalfOf: true },
      who: {},
      matches: true,
    },
  ])("$name: $matches", ({ rule, who, matches }) => {
    const only = { ...ANYONE, ...rule };
    expect(ruleFor({ rules: [only] }, human(who), OWN)).toBe(matches ? only : undefined);
  });
});

/** Why a rule does not match, as `member: detail`. */
function whyNot(rule: Partial<PolicyRule>, who: Partial<PolicySubject>): readonly string[] {
  const reading = readPolicyFor({ rules: [] }, human(who), OWN);
  return reading.whyNot({ ...ANYONE, ...rule }).map(({ member, detail }) => `${member}: ${detail}`);
}

describe("every reason why a rule does not match is told, the first one first", () => {
  const workload = { kind: "workload", claims: { repository: "a/b", run: 7 } } as const;
  const FOREIGN = "issuer: the rule is for another issuer";
  const SUBJECT = "subjects: the subject is not among them";
  const GROUPS = "groups: none of them is named";

  test.each<[string, Partial<PolicyRule>, Partial<PolicySubject>, readonly string[]]>([
    ["none", {}, {}, []],
    ["another issuer", {}, { issuer: OTHER }, [FOREIGN]],
    [
      "a workload under a rule that names no issuer",
      {},
      workload,
      ["issuer: a rule that names no issuer is for people"],
    ],
    ["a workload of another issuer", {}, { ...workload, issuer: OTHER }, [FOREIGN]],
    ["a workload under a rule that names the issuer", { issuer: OWN }, workload, []],
    ["a subject and a group", { subjects: ["bob"], groups: ["x"] }, { groups: ["y"] }, [SUBJECT, GROUPS]],
    ["one group of several", { groups: ["x", "y"] }, { groups: ["w", "y"] }, []],
    [
      "a platform's word",
      { groups: ["x"], claims: [{ claim: "repository", values: ["a/b"] }] },
      { ...workload, kind: "person", groups: ["x"], assertedBy: "platform" },
      [
        "on_behalf_of: the platform may not issue by its own word",
        "groups: nobody vouches for groups that a platform names",
        "claims.repository: nobody vouches for claims that a platform names",
      ],
    ],
    [
      "claims of nobody",
      { claims: [{ claim: "repository", values: ["a/b"] }] },
      {},
      ["claims.repository: claims are those of an assertion, and this is none"],
    ],
    [
      "claims",
      {
        issuer: OWN,
        claims: [
          { claim: "environment", values: ["prod"] },
          { claim: "repository", values: ["a/c", "a/bb"] },
          { claim: "run", values: ["7"] },
          { claim: "toString", values: ["x"] },
        ],
      },
      workload,
      [
        "claims.environment: the claim is missing",
        "claims.repository: the claim has another value",
        "claims.run: the claim is no text",
        "claims.toString: the claim is missing",
      ],
    ],
    [
      "a claim that will do",
      { issuer: OWN, claims: [{ claim: "repository", values: ["a/c", "a/b"] }] },
      workload,
      [],
    ],
  ])("%s", (_name, rule, who, reasons) => {
    expect(whyNot(rule, who)).toEqual(reasons);
    const only = { ...ANYONE, ...rule };
    expect(ruleFor({ rules: [only] }, human(who), OWN)).toBe(reasons.length === 0 ? only : undefined);
  });

  test("the rule that decides is told with its place", () => {
    const rules = [{ ...ANYONE, issuer: OTHER }, ANYONE, { ...ANYONE }];
    expect(readPolicyFor({ rules }, human(), OWN).find()).toEqual({ rule: ANYONE, index: 1 });
    expect(readPolicyFor({ rules: [] }, human(), OWN).find()).toBeUndefined();
    const foreign = human({ issuer: "https://third.test" });
    expect(readPolicyFor({ rules }, foreign, OWN).find()).toBeUndefined();
  });
});

test("the first rule that matches decides, however strict", () => {
  const strict = { ...ANYONE, maxTtl: 1 };
  const kind = { ...ANYONE, maxTtl: 86_400 };
  const foreign = { ...ANYONE, issuer: OTHER };
  expect(ruleFor({ rules: [foreign, strict, kind] }, human(), OWN)).toBe(strict);
});

test("a closed policy admits nobody, the default one everyone of the own issuer", () => {
  expect(ruleFor(CLOSED_POLICY, human(), OWN)).toBeUndefined();
  expect(ruleFor(DEFAULT_PLATFORM_POLICY, human({ subject: "anyone" }), OWN)).toEqual({
    ...ANYONE,
    maxTtl: 86_400,
    onBehalfOf: true,
  });
  expect(ruleFor(DEFAULT_PLATFORM_POLICY, human({ issuer: OTHER }), OWN)).toBeUndefined();
});

describe("a client may introduce itself by a document", () => {
  const on = (domains?: readonly string[]) => ({
    rules: [],
    clients: { metadataDocuments: true, ...(domains && { domains }) },
  });

  test.each<{ name: string; policy: Parameters<typeof admitsDocumentOf>[0]; host: string; admits: boolean }>([
    { name: "nothing said", policy: CLOSED_POLICY, host: "a.test", admits: false },
    {
      name: "switched off, whatever the domains",
      policy: { rules: [], clients: { metadataDocuments: false, domains: ["a.test"] } },
      host: "a.test",
      admits: false,
    },
    { name: "any host", policy: on(), host: "a.test", admits: true },
    { name: "that host", policy: on(["b.test", "a.test"]), host: "a.test", admits: true },
    { name: "another host", policy: on(["b.test"]), host: "a.test", admits: false },
    { name: "below that host", policy: on(["a.test"]), host: "b.a.test", admits: false },
    { name: "below a star", policy: on(["*.a.test"]), host: "b.a.test", admits: true },
    { name: "far below a star", policy: on(["*.a.test"]), host: "c.b.a.test", admits: true },
    { name: "the star's own host", policy: on(["*.a.test"]), host: "a.test", admits: false },
    { name: "an empty name below a star", policy: on(["*.a.test"]), host: ".a.test", admits: false },
    { name: "a host that ends alike", policy: on(["*.a.test"]), host: "eva.test", admits: false },
    {
      name: "a host that ends alike, without a star",
      policy: on(["a.test"]),
      host: "eva.test",
      admits: false,
    },
    { name: "a host that begins alike", policy: on(["a.test"]), host: "a.test.evil.test", admits: false },
  ])("$name: $admits", ({ policy, host, admits }) => {
    expect(admitsDocumentOf(policy, host)).toBe(admits);
  });
});
