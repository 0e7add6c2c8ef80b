import { expect, test } from "vitest";

import { ANY_RESOURCE, type HumanCaller, type ServiceCaller, wayOf } from "../../src/domain/caller.ts";
import type { Session } from "../../src/domain/ports/sessions.ts";
import { identityOf } from "../support/identity.ts";

const CREDENTIAL: ServiceCaller = {
  kind: "service",
  role: "platform",
  platform: "shop",
  credentialId: "019a8b3c",
  links: ["a", "b", "c"],
  narrowed: [],
  resource: undefined,
  refuses: () => undefined,
};

const IDENTITY = identityOf("https://login.test", "alice");
const HUMAN: HumanCaller = { kind: "human", identity: IDENTITY, administrator: false, spokeAt: 0 };
const PERSON = "human\nhttps://login.test\nalice";

const program: Session = {
  id: "019a8b3d",
  kind: "program",
  idHash: new Uint8Array(32),
  identity: IDENTITY,
  createdAt: 1,
  expiresAt: 2,
};

test.each<[string, HumanCaller | ServiceCaller, readonly string[]]>([
  ["a credential", CREDENTIAL, ["credential\n019a8b3c"]],
  [
    "a credential that was narrowed twice",
    { ...CREDENTIAL, narrowed: ["b", "c"] },
    ["credential\n019a8b3c", "b", "c"],
  ],
  ["a person's browser", { ...HUMAN, sessionBegunAt: 5 }, [PERSON]],
  ["a person's browser, from the beginning of time", { ...HUMAN, sessionBegunAt: 0 }, [PERSON]],
  ["a person's ID token, which programs hold", HUMAN, [PERSON, "ID token"]],
  ["a program that acts as a person", { ...HUMAN, program }, [PERSON, "program\n019a8b3d"]],
])("the way of %s", (_name, caller, way) => expect(wayOf(caller)).toEqual(way));

test("any resource is named by what is the name of none", () => expect(ANY_RESOURCE).toBe("*"));
