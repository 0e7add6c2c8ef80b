import { expect, test } from "vitest";

import { CREDENTIAL_ISSUER, credentialsOf, roleOf, subjectOfRole } from "../../src/domain/credential-role.ts";
import { SERVICE_PLATFORM } from "../../src/domain/ports/platforms.ts";

const HOLDER = { platform: SERVICE_PLATFORM, issuer: CREDENTIAL_ISSUER, subject: "platform:shop" };

test.each([
  { role: "administrator", platform: undefined } as const,
  { role: "platform", platform: "shop" } as const,
  { role: "platform", platform: "platform:shop" } as const,
  { role: "platform", platform: "administrator" } as const,
])("the role $role of $platform is read from its subject as it was written", (role) => {
  expect(roleOf({ ...HOLDER, subject: subjectOfRole(role) })).toEqual(role);
});

test.each([
  ["of a platform's own tokens", { platform: "shop" }],
  ["of a human whom an issuer named", { issuer: "https://login.test" }],
  [
    "of a human whom an issuer called administrator",
    { issuer: "https://login.test", subject: "administrator" },
  ],
  ["of another platform's administrator", { platform: "shop", subject: "administrator" }],
  ["with another subject", { subject: "alice" }],
  ["with a subject that only ends so", { subject: "x platform:shop" }],
  ["with a longer subject", { subject: "administrators" }],
  ["with no subject", { subject: "" }],
])("a principal %s has no role", (_name, over) => {
  expect(roleOf({ ...HOLDER, ...over })).toBeUndefined();
});

test("the words in the database stay what they were", () => {
  expect(CREDENTIAL_ISSUER).toBe("bakehouse");
  expect(subjectOfRole({ role: "administrator", platform: undefined })).toBe("administrator");
  expect(credentialsOf("shop")).toEqual({
    platform: "bakehouse",
    human: { issuer: "bakehouse", subject: "platform:shop" },
  });
});
