import { expect, test } from "vitest";

import { compileCaveat, thirdParty } from "../../src/caveats/condition.ts";
import { summaryParts, verifiedText } from "../../src/caveats/together/summary-parts.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";

const now = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");
const LURE = "https://fraud-check-passed.bank.example";
const read = (texts: readonly string[]) =>
  texts.map((text) => (text.startsWith("https:") ? thirdParty(text) : compileCaveat(text)));

test.each([
  ["what the issuer wrote", ["time < 2026-11-20T14:00:00Z", "action = pay"], 2, ["issued"]],
  [
    "a holder's time is a number",
    ["time < 2026-11-20T14:00:00Z", "time < 2026-11-20T13:00:00Z"],
    1,
    ["issued", "service"],
  ],
  [
    "a holder's uses and rate are numbers",
    ["action = pay", "uses <= 3", "rate <= 5/m"],
    1,
    ["issued", "service"],
  ],
  ["a holder's spend names a unit", ["action = pay", "spend.free_of_charge <= 1"], 1, ["issued", "holder"]],
  [
    "a holder's key, whose thumbprint is a text",
    ["action = pay", `holder = ${"pay-me".repeat(7)}A`],
    1,
    ["issued", "holder"],
  ],
  ["a holder's text", ["action = pay", "note = approved_by_your_bank"], 1, ["issued", "holder"]],
  ["a holder's third party", ["action = pay", LURE], 1, ["issued", "holder"]],
  ["a holder's unknown caveat", ["action = pay", "all is well"], 1, ["issued", "holder"]],
  ["an agent's name, wherever it stands", ["agent = ceo", "action = pay"], 2, ["issued", "holder"]],
] as const)("%s", (_, texts, issued, by) => {
  const parts = summaryParts(read(texts), issued, { now });
  expect(parts.map((part) => part.by)).toEqual(by);
});

test("nothing that a holder wrote is among the facts", () => {
  const texts = [
    "time < 2026-11-20T14:00:00Z",
    "action = pay",
    "agent = ceo",
    "depth <= 1",
    "note = lure",
    LURE,
    "lure",
  ];
  const parts = summaryParts(read(texts), 2, { now });
  expect(verifiedText(parts)).toBe(
    "Until 2026-11-20 14:00 UTC, only pay. Until 2026-11-20 14:00 UTC, may be handed on once more.",
  );
  expect(parts.find(({ by }) => by === "holder")?.text).toContain(LURE);
});
