/** The words of the wire. Programs out there hold copies of them, so each is pinned here, letter by letter. */
import { describe, expect, test } from "vitest";

import { API_ACTIONS } from "../../src/words/actions.ts";
import {
  ENDORSEMENT_TYPE,
  ENDORSEMENTS_HEADER,
  MOST_ENDORSEMENTS,
  PROOF_TYPE,
} from "../../src/words/holder.ts";
import {
  APPROVALS_PATH,
  BEARER,
  DPOP,
  EVENT_STREAM,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  METADATA_PATH,
  OPENID_PATH,
  PROTECTED_RESOURCE_PATH,
  REQUEST_ID,
} from "../../src/words/http.ts";
import {
  AGENT,
  APPROVAL_ID,
  CLIENT_ID,
  DISCHARGE_ID,
  isUuidv7,
  REFRESH_TOKEN,
  REVOCATION_ID,
  SCOPE,
  SHORT_ID,
  splitAgent,
  THUMBPRINT,
  UNIT,
  UUID,
  UUID_V7,
} from "../../src/words/ids.ts";
import {
  BATCH_QUESTIONS,
  CHARGE_ID,
  CONTEXT_DEPTH,
  COST_UNITS,
  RESERVE_SECONDS,
  TOKEN_BUDGETS,
} from "../../src/words/limits.ts";
import { PROBLEM_CODES, PROBLEM_MEDIA_TYPE, problemType } from "../../src/words/problem-codes.ts";
import { firstRefusal, REFUSAL_CODES } from "../../src/words/refusal-codes.ts";
import {
  HASH_KEY_EVENT,
  HEARTBEAT_EVENT,
  REVOCATION_EVENT,
  REVOCATION_SCOPES,
  TARGETS,
} from "../../src/words/revocations.ts";
import {
  DECISIONS,
  KEY_STATES,
  PLACES,
  REQUEST_STATES,
  RESERVATION_STATES,
  REVOKED_BY,
  SESSION_KINDS,
  SUMMARY_AUTHORS,
  TOKEN_STATES,
} from "../../src/words/states.ts";

test.each<[string, readonly string[], string]>([
  ["actions", API_ACTIONS, "issue verify revoke read discharge keys platforms policy audit resources"],
  [
    "problem codes",
    PROBLEM_CODES,
    "invalid_request unauthenticated forbidden denied not_found method_not_allowed conflict charge_mismatch idempotency_in_flight gone precondition_failed " +
      "payload_too_large unsupported_media_type unprocessable ttl_too_long ticket_invalid condition_unknown " +
      "idempotency_mismatch rate_limited internal_error unavailable",
  ],
  [
    "refusal codes, in their order",
    REFUSAL_CODES,
    "malformed too_large unknown_key bad_signature revoked expired discharge_invalid depth_exceeded " +
      "holder_proof_required holder_proof_invalid caveat_unknown caveat_failed discharge_missing budget_exhausted",
  ],
  ["scopes of revocations", REVOCATION_SCOPES, "all platform principal link"],
  ["states of tokens", TOKEN_STATES, "active expired revoked"],
  ["states of keys", KEY_STATES, "pending active retired"],
  ["states of requests", REQUEST_STATES, "pending granted denied dropped withdrawn expired revoked"],
  ["kinds of sessions", SESSION_KINDS, "browser program"],
  ["decisions", DECISIONS, "approve deny"],
  ["writers of a summary", SUMMARY_AUTHORS, "issued holder service"],
  ["states of reservations", RESERVATION_STATES, "open settled released expired"],
  ["places of caveats", PLACES, "issued first_holder handed_over"],
  ["authors of revocations", REVOKED_BY, "holder principal platform administrator"],
])("%s", (_name, words, text) => expect(words.join(" ")).toBe(text));

test("targets of revocations, and what may stand beside each", () => {
  expect(TARGETS).toEqual({
    token: [],
    revocation_id: [],
    token_id: ["successors"],
    principal: ["issued_before"],
    agent: ["issued_before", "token_id"],
    key_id: [],
    approval_id: [],
    platform: ["issued_before"],
  });
});

test("names and bounds", () => {
  expect([IDEMPOTENCY_KEY, IF_MATCH, REQUEST_ID, EVENT_STREAM, PROBLEM_MEDIA_TYPE]).toEqual([
    "Idempotency-Key",
    "If-Match",
    "x-request-id",
    "text/event-stream",
    "application/problem+json",
  ]);
  expect([METADATA_PATH, OPENID_PATH, PROTECTED_RESOURCE_PATH, APPROVALS_PATH]).toEqual([
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/approvals",
  ]);
  expect([REVOCATION_EVENT, HEARTBEAT_EVENT, HASH_KEY_EVENT]).toEqual([
    "revocation",
    "heartbeat",
    "hash_key",
  ]);
  expect([PROOF_TYPE, ENDORSEMENT_TYPE]).toEqual(["dpop+jwt", "bakehouse-endorsement+jwt"]);
  expect([ENDORSEMENTS_HEADER, MOST_ENDORSEMENTS]).toEqual(["Bakehouse-Endorsements", 32]);
  expect(problemType("gone")).toBe("urn:bakehouse:problem:gone");
  expect([CONTEXT_DEPTH, BATCH_QUESTIONS]).toEqual([64, 1_000]);
  expect([TOKEN_BUDGETS, CHARGE_ID, COST_UNITS, RESERVE_SECONDS]).toEqual([32, 128, 100, 86_400]);
});

const V7 = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const LINK = "AAECAwQFBgcICQoLDA0ODw";
/** The thumbprint of RFC 7638 §3.1. */
const KEY = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const LONG = "a".repeat(128);

describe("patterns of ids", () => {
  test.each<[string, RegExp, readonly string[], readonly string[]]>([
    [
      "a UUID",
      UUID,
      [V7, V7.replace("-7", "-4"), V7.replace("-8a", "-ca"), "0".repeat(8) + V7.slice(8)],
      [V7.toUpperCase(), `${V7}0`, `0${V7}`, V7.slice(1), V7.slice(0, -1), V7.replaceAll("-", ""), `${V7}\n`],
    ],
    [
      "a UUID of version 7",
      UUID_V7,
      ["8", "9", "a", "b"].map((variant) => V7.replace("-8a", `-${variant}a`)),
      [
        V7.replace("-7", "-4"),
        V7.replace("-8a", "-7a"),
        V7.replace("-8a", "-ca"),
        V7.toUpperCase(),
        `${V7}0`,
        `0${V7}`,
        V7.slice(1),
        V7.slice(0, -1),
        ...[9, 14, 19, 24].flatMap((at) => [
          V7.slice(0, at) + V7.slice(at + 1),
          `${V7.slice(0, at)}0${V7.slice(at)}`,
        ]),
      ],
    ],
    [
      "a key's or principal's id",
      SHORT_ID,
      ["Zk3vQm2xT9aB-_eF"],
      ["Zk3vQm2xT9aB-_e", "Zk3vQm2xT9aB-_eFa", "Zk3vQm2xT9aB+/eF"],
    ],
    [
      "a revocation id",
      REVOCATION_ID,
      ["A", "Q", "g", "w"].map((last) => LINK.slice(0, -1) + last),
      [
        LINK.slice(1),
        `A${LINK}`,
        `${LINK.slice(0, -1)}x`,
        `${LINK.slice(0, -1)}B`,
        `+${LINK.slice(1)}`,
        `${LINK}\n`,
      ],
    ],
    [
      "a key's thumbprint",
      THUMBPRINT,
      [..."AEIMQUYcgkosw048"].map((last) => KEY.slice(0, -1) + last),
      [
        KEY.slice(1),
        `A${KEY}`,
        `${KEY.slice(0, -1)}t`,
        `${KEY.slice(0, -1)}B`,
        `+${KEY.slice(1)}`,
        `${KEY}=`,
        `${KEY}\n`,
      ],
    ],
    ["an approval's id", APPROVAL_ID, ["a", V7, "0-_Z", LONG], ["", `${LONG}a`, "a.b", "a b", "a\n"]],
    ["a discharge's id", DISCHARGE_ID, ["a", LINK, "0-_Z", LONG], ["", `${LONG}a`, "a.b", " a", "a\n"]],
    [
      "a unit",
      UNIT,
      ["a", "EUR", "_x-9", `A${"a-_0".repeat(15)}aaa`],
      ["", "9a", "-a", "a b", "a.b", "ä", " EUR", "EUR\n", "a".repeat(65)],
    ],
    [
      "a scope",
      SCOPE,
      ["a", "!", "#[]~", "files:read", LONG],
      ["", `${LONG}a`, "a b", 'a"', "a\\b", "ä", " a", "a\n", "\x7f"],
    ],
    [
      "a client's id",
      CLIENT_ID,
      ["a", "!~", '"\\', "https://client.example/id?a=1", "a".repeat(2_048)],
      ["", "a b", " a", "a\n", "ä", "\x7f", "a".repeat(2_049)],
    ],
    [
      "a refresh token",
      REFRESH_TOKEN,
      ["A-_9".repeat(20)],
      ["A".repeat(79), "A".repeat(81), `+${"A".repeat(79)}`, `${"A".repeat(79)}=`, `${"A".repeat(80)}\n`],
    ],
    [
      "an agent",
      AGENT,
      ["a", "a#1", "A-Z_0.9:/@", `${LONG}#${LONG}`, "a#._:/@-"],
      ["", "#1", "a#", "a#1#2", "a b", `${LONG}a`, `a#${LONG}1`, "a,b", "ä", "a\n"],
    ],
  ])("%s", (_name, pattern, good, bad) => {
    expect(good.filter((text) => !pattern.test(text))).toEqual([]);
    expect(bad.filter((text) => pattern.test(text))).toEqual([]);
  });

  test("a UUID's version is asked for", () => {
    expect(isUuidv7(V7)).toBe(true);
    expect(isUuidv7(V7.replace("-7", "-4"))).toBe(false);
  });

  test.each<[string, object]>([
    ["planner", { name: "planner", instance: undefined }],
    ["planner#1", { name: "planner", instance: "1" }],
  ])("%s is split", (agent, parts) => expect(splitAgent(agent)).toEqual(parts));
});

describe("the header of a bearer token", () => {
  test.each<[string, string]>([
    ["Bearer abc", "abc"],
    ["bearer abc==", "abc=="],
    ["BEARER   a-b_c.d~e+f/g", "a-b_c.d~e+f/g"],
  ])("%s", (header, token) => expect(BEARER.exec(header)?.[1]).toBe(token));

  test.each([
    "Bearer",
    "Bearer ",
    "Bearerabc",
    "Bearer a,b",
    "Bearer a b",
    "Bearer a=b",
    "Basic abc",
    " Bearer abc",
    "Bearer\tabc",
  ])("not %j", (header) => expect(BEARER.test(header)).toBe(false));

  test("a token that a key holds has a scheme of its own", () => {
    expect(DPOP.exec("DPoP  abc==")?.[1]).toBe("abc==");
    expect(DPOP.exec("dpop a-b_c.d~e+f/g")?.[1]).toBe("a-b_c.d~e+f/g");
    const others = [
      "DPoP",
      "DPoP ",
      "DPoP ==",
      "DPoPabc",
      "DPoP a,b",
      " DPoP abc",
      "Bearer abc",
      "DPoP\tabc",
    ];
    expect(others.filter((header) => DPOP.test(header))).toEqual([]);
    expect(BEARER.test("DPoP abc")).toBe(false);
  });
});

describe("the first of several refusals", () => {
  test("is that of the first code in the order, and the first of that code", () => {
    const reasons = [
      { code: "caveat_failed", which: 1 },
      { code: "expired", which: 2 },
      { code: "expired", which: 3 },
      { code: "discharge_missing", which: 4 },
    ] as const;
    expect(firstRefusal(reasons)).toBe(reasons[1]);
  });

  test("is none where there are none", () => expect(firstRefusal([])).toBeUndefined());

  test.each(REFUSAL_CODES)("may be %s", (code) => expect(firstRefusal([{ code }])).toEqual({ code }));
});
