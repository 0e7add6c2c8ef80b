import { expect, test } from "vitest";
import { parseTerms } from "../../src/conditions/parse.ts";
import { resolveApprovers } from "../../src/domain/issue/approvers.ts";
import { createIssuing, type IssueJob, NO_WORD } from "../../src/domain/issue/issuing.ts";
import { DEFAULT_PLATFORM_POLICY } from "../../src/domain/ports/policy.ts";
import type { KnownPerson } from "../../src/domain/ports/principals.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { turnsDuring } from "../support/turns.ts";
import { rootKey } from "./seen-world.ts";

const NOW = Date.UTC(2026, 10, 27);

/** A clock by which every share of the process is used up at once. */
function racingClock() {
  let monotonic = 0;
  return { monotonic: () => (monotonic += 5) };
}

function jobOf(subject: string, caveats: readonly string[]): IssueJob {
  return {
    actor: { kind: "principal", issuer: "https://login.test", subject },
    payer: subject,
    spokeAt: 0,
    subject: { issuer: "https://login.test", kind: "person", subject, groups: [], assertedBy: "issuer" },
    email: null,
    saidAt: NO_WORD,
    development: false,
    credentialId: null,
    request: { platform: "shop", ttl: undefined, caveats, label: undefined } as never,
    parties: [],
    warnings: [],
    fault: undefined,
    seal: () => undefined,
  };
}

/** Issues over a database that answers at once, and the groups that it was given. */
function issuing() {
  const groups: number[] = [];
  const issue = createIssuing({
    store: {
      issues: {
        look: async (whos) => {
          groups.push(whos.length);
          return {
            now: NOW,
            policies: new Map([["shop", DEFAULT_PLATFORM_POLICY]]),
            principals: whos.map(() => undefined),
            saidAt: [],
          };
        },
        record: async (issues) => issues.map(() => "recorded"),
      },
    },
    rootKeys: { signing: () => rootKey() } as never,
    clock: racingClock(),
    randomness: systemRandomness,
    steps: { passed: () => {} },
    publicUrl: "https://bakehouse.test",
    ownIssuer: "https://login.test",
  });
  return { issue, groups };
}

test("the tokens of a group are minted in turns", async () => {
  const { issue, groups } = issuing();
  const few = await turnsDuring(issue(jobOf("alice", [])));
  const many = await turnsDuring(
    Promise.all(Array.from({ length: 60 }, (_, index) => issue(jobOf(`person-${index}`, [])))),
  );
  expect(groups).toEqual([1, 60]);
  expect(many - few).toBeGreaterThan(59);
});

test("the caveats of one token are read in turns, and so is all that is said of it", async () => {
  const { issue } = issuing();
  const few = await turnsDuring(issue(jobOf("alice", [])));
  const caveats = Array.from({ length: 200 }, (_, index) => `x${index} = 1`);
  expect((await turnsDuring(issue(jobOf("alice", caveats)))) - few).toBeGreaterThanOrEqual(200);
});

test("heavy requests of one person keep no other person's in the line behind them", async () => {
  const { issue, groups } = issuing();
  const heavy = Array.from({ length: 240 }, (_, index) => `x${index} = 1`);
  const order: string[] = [];
  const asks = [...Array.from({ length: 8 }, () => jobOf("eve", heavy)), jobOf("alice", [])].map((job) =>
    issue(job).then(() => order.push(job.subject.subject)),
  );
  await Promise.all(asks);
  expect(groups.length).toBeGreaterThan(2);
  expect(order.indexOf("alice")).toBeLessThan(4);
});

test("of the people that tickets may name each is looked at once, and not for each name", async () => {
  let looks = 0;
  const people: readonly KnownPerson[] = Array.from({ length: 500 }, (_, index) => ({
    issuer: "https://login.test",
    subject: `subject-${index}`,
    get email() {
      looks++;
      return `Person-${index}@corp.example`;
    },
    name: null,
  }));
  const asked = Array.from({ length: 100 }, (_, at) => {
    const names = Array.from({ length: 5 }, (__, name) => `person-${at * 5 + name}@corp.example`);
    const text = `approved-by ${names.join()} pay`;
    const reading = parseTerms(text);
    if (!reading.ok) throw new Error(reading.detail);
    return { text, terms: reading.terms, member: `third_party_caveats[${at}].condition` };
  });
  const resolved = await resolveApprovers(asked, {
    people: { known: async () => people },
    issuer: "https://login.test",
    clock: racingClock(),
  });
  expect(resolved[99]?.condition).toContain(
    "subject-495,subject-496,subject-497,subject-498,subject-499 pay",
  );
  expect(looks).toBeLessThanOrEqual(2 * people.length);
});
