import { describe, expect, test } from "vitest";

import {
  admitsDocumentOf,
  CLOSED_POLICY,
  DEFAULT_PLATFORM_POLICY,
  type PolicyRule,
  type PolicySubject,
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

test("the first rule that matches decides, however strict", () => {
  const strict = { ...ANYONE, maxTtl: 1 };
  const kind = { ...ANYONE, maxTtl: 86_400 };
  const foreign = { ...ANYONE, issuer: OTHER };
  expect(ruleFor({ rules: [foreign, strict, kind] }, human(), OWN)).toBe(strict);
});

test("a closed policy admits nobody, the default one everyone of the own issuer", () => {
  expect(ruleFor(CLOSED_POLICY, human(), OWN)).toBeUndefined();
  expect(ruleFor(DEFAULT_PLATFORM_POLICY, human({ subject: "anyone" }), OWN)).toMatchObject({
    maxTtl: 86_400,
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
