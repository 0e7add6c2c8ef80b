import { describe, expect, test } from "vitest";

import { ANY_RESOURCE, type Caller, type HumanCaller } from "../../src/domain/caller.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import {
  requireAdministrator,
  requireAdministratorOrPlatform,
  requireAdministratorOrPlatformRole,
  requireAdministratorRole,
  requireHuman,
  requireHumanOrPlatform,
  requirePerson,
  requirePlatform,
} from "../../src/domain/permission.ts";
import type { ApiAction } from "../../src/words/actions.ts";
import { identityOf } from "../support/identity.ts";

const ONLY_ADMINISTRATOR = "only an administrator may do this";
const ONLY_PLATFORM = "only a platform's credential may do this";

/** What a credential was asked for, as `action platform`. */
type Asked = string[];

function credential(role: "administrator" | "platform", asked: Asked, says: string | undefined): Caller {
  return {
    kind: "service",
    role,
    platform: role === "platform" ? "shop" : undefined,
    credentialId: "c",
    links: ["link"],
    narrowed: [],
    resource: undefined,
    refuses(action, platform) {
      asked.push(`${action} ${platform}`);
      return says;
    },
  };
}

function human(administrator: boolean): HumanCaller {
  const identity = identityOf("https://login.test", "alice");
  return { kind: "human", identity, administrator, spokeAt: 0 };
}

const CALLERS = {
  "an administrator": () => human(true),
  "a person": () => human(false),
  "an administrator's credential": (asked: Asked, says?: string) => credential("administrator", asked, says),
  "a platform's credential": (asked: Asked, says?: string) => credential("platform", asked, says),
} as const;
type Who = keyof typeof CALLERS;

/** What is answered, or the refusal's code and text. */
function outcome(ask: () => unknown): unknown {
  try {
    return { returns: ask() };
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const CHECKS = {
  requireAdministrator: (caller: Caller, action: ApiAction, platform?: string) =>
    requireAdministrator(caller, action, platform),
  requirePlatform: (caller: Caller, action: ApiAction) => requirePlatform(caller, action),
  requireAdministratorOrPlatform: (caller: Caller, action: ApiAction, platform?: string) =>
    requireAdministratorOrPlatform(caller, action, platform),
  requireHuman: (caller: Caller) => requireHuman(caller).kind,
  requireAdministratorRole: (caller: Caller) => requireAdministratorRole(caller),
  requireAdministratorOrPlatformRole: (caller: Caller, action: ApiAction) =>
    requireAdministratorOrPlatformRole(caller, action),
  requireHumanOrPlatform: (caller: Caller, action: ApiAction) => requireHumanOrPlatform(caller, action),
} as const;

const PASSES = { returns: undefined };
const NO_ADMINISTRATOR = `forbidden: ${ONLY_ADMINISTRATOR}`;
const NO_PLATFORM = `forbidden: ${ONLY_PLATFORM}`;

/** Each check, each caller: the outcome, and for what a credential's caveats are cleared. */
const TABLE: readonly (readonly [
  check: keyof typeof CHECKS,
  who: Who,
  expected: unknown,
  clears: readonly string[],
])[] = [
  ["requireAdministrator", "an administrator", PASSES, []],
  ["requireAdministrator", "a person", NO_ADMINISTRATOR, []],
  ["requireAdministrator", "an administrator's credential", PASSES, ["issue shop"]],
  ["requireAdministrator", "a platform's credential", NO_ADMINISTRATOR, []],

  ["requirePlatform", "an administrator", NO_PLATFORM, []],
  ["requirePlatform", "a person", NO_PLATFORM, []],
  ["requirePlatform", "an administrator's credential", NO_PLATFORM, []],
  ["requirePlatform", "a platform's credential", { returns: "shop" }, ["issue shop"]],

  ["requireAdministratorOrPlatform", "an administrator", { returns: "shop" }, []],
  ["requireAdministratorOrPlatform", "a person", NO_ADMINISTRATOR, []],
  ["requireAdministratorOrPlatform", "an administrator's credential", { returns: "shop" }, ["issue shop"]],
  ["requireAdministratorOrPlatform", "a platform's credential", { returns: "shop" }, ["issue shop"]],

  ["requireHuman", "an administrator", { returns: "human" }, []],
  ["requireHuman", "a person", { returns: "human" }, []],
  ["requireHuman", "an administrator's credential", "forbidden: only a person may do this", []],
  ["requireHuman", "a platform's credential", "forbidden: only a person may do this", []],

  ["requireAdministratorRole", "an administrator", PASSES, []],
  ["requireAdministratorRole", "a person", NO_ADMINISTRATOR, []],
  ["requireAdministratorRole", "an administrator's credential", PASSES, []],
  ["requireAdministratorRole", "a platform's credential", NO_ADMINISTRATOR, []],

  ["requireAdministratorOrPlatformRole", "an administrator", PASSES, []],
  ["requireAdministratorOrPlatformRole", "a person", NO_ADMINISTRATOR, []],
  ["requireAdministratorOrPlatformRole", "an administrator's credential", PASSES, []],
  ["requireAdministratorOrPlatformRole", "a platform's credential", PASSES, ["issue shop"]],

  ["requireHumanOrPlatform", "an administrator", PASSES, []],
  ["requireHumanOrPlatform", "a person", PASSES, []],
  ["requireHumanOrPlatform", "an administrator's credential", NO_PLATFORM, []],
  ["requireHumanOrPlatform", "a platform's credential", PASSES, ["issue shop"]],
];

test("the table has every check with every caller", () => {
  const rows = TABLE.map(([check, who]) => `${check} ${who}`);
  const all = Object.keys(CHECKS).flatMap((check) => Object.keys(CALLERS).map((who) => `${check} ${who}`));
  expect(rows.sort()).toEqual(all.sort());
});

describe.each(TABLE)("%s of %s", (check, who, expected, clears) => {
  test("answers so", () => {
    const asked: Asked = [];
    expect(outcome(() => CHECKS[check](CALLERS[who](asked), "issue", "shop"))).toEqual(expected);
    expect(asked).toEqual(clears);
  });

  test("is refused by the credential's own caveats wherever they are asked", () => {
    const asked: Asked = [];
    const refused = outcome(() => CHECKS[check](CALLERS[who](asked, "a caveat says no"), "issue", "shop"));
    expect(refused).toEqual(clears.length > 0 ? "forbidden: a caveat says no" : expected);
  });
});

describe("a platform that the caller names", () => {
  test.each<[Who, string | undefined, unknown, readonly string[]]>([
    ["an administrator", undefined, PASSES, []],
    ["an administrator's credential", undefined, PASSES, ["issue undefined"]],
    ["an administrator's credential", "bank", { returns: "bank" }, ["issue bank"]],
    ["a platform's credential", undefined, { returns: "shop" }, ["issue shop"]],
    // A foreign platform is as unknown as one that is not there.
    ["a platform's credential", "bank", "not_found: no such platform", ["issue shop"]],
  ])("%s, %s", (who, platform, expected, clears) => {
    const asked: Asked = [];
    const ask = () => requireAdministratorOrPlatform(CALLERS[who](asked), "issue", platform);
    expect(outcome(ask)).toEqual(expected);
    expect(asked).toEqual(clears);
  });
});

describe("a person who is here", () => {
  const ask = (caller: Caller) => outcome(() => requirePerson(caller));

  test("passes as themselves", () => expect(ask(human(false))).toEqual({ returns: human(false) }));

  test("is no program that acts as them, and no credential", () => {
    const { identity } = human(false);
    const login = {
      kind: "program",
      idHash: new Uint8Array(32),
      identity,
      createdAt: 1,
      expiresAt: 2,
    } as const;
    expect(ask({ ...human(true), program: { id: "p", ...login } })).toBe(
      "forbidden: only a person may do this, and no program that acts as them",
    );
    expect(ask(credential("platform", [], undefined))).toBe("forbidden: only a person may do this");
  });
});

test("a credential's caveats are cleared for the resource that a call concerns", () => {
  const asked: unknown[] = [];
  const caller = (role: "administrator" | "platform"): Caller => ({
    ...(credential(role, [], undefined) as Extract<Caller, { kind: "service" }>),
    refuses: (_action, _platform, resource) => void asked.push(resource),
  });
  const RESOURCE = "https://mcp.test";
  requireAdministrator(caller("administrator"), "issue", "shop", RESOURCE);
  requirePlatform(caller("platform"), "issue", RESOURCE);
  requireAdministratorOrPlatform(caller("administrator"), "issue", "shop", RESOURCE);
  requireAdministratorOrPlatform(caller("platform"), "issue", "shop", RESOURCE);
  requirePlatform(caller("platform"), "issue");
  // Which resource it will be is not known there yet.
  requireHumanOrPlatform(caller("platform"), "issue");
  expect(asked).toEqual([RESOURCE, RESOURCE, RESOURCE, RESOURCE, undefined, ANY_RESOURCE]);
});
