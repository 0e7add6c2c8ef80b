import fc from "fast-check";
import { expect, test } from "vitest";

import { portableChain } from "../../src/macaroon/hash/sha256.ts";
import {
  attenuate,
  bind,
  chainOf,
  defaultHmac,
  defaultSha256,
  encode,
  encodeBundle,
  NAME_PREFIX,
  revocationId,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { dischargeFor, withThirdParty } from "../macaroon/support.ts";
import {
  createWorld,
  KEY,
  KEY_ID,
  PRINCIPAL,
  PRINCIPAL_ID,
  root,
  rootKey,
  verdict,
  type World,
} from "./seen-world.ts";

const NOON = Date.parse("2026-12-01T12:00:00Z");

const caveat = fc.constantFrom(
  "action in read, list",
  "action = write",
  "agent = planner",
  "agent = worker#1",
  "depth <= 4",
  "time < 2026-12-01T13:00:00Z",
  "time < 2026-12-03T00:30:00Z",
  "time > 2026-12-01T11:59:59Z",
  "resource matches repo:acme/**",
  "uses <= 3",
  "no caveat at all",
  "ancestor = AAAAAAAAAAAAAAAAAAAAAA",
);

interface Bundle {
  readonly token: string;
  readonly discharges: readonly string[];
  readonly links: readonly UnverifiedMacaroon[];
}

/** Four tokens that share their first caveats, some with a third-party caveat and what discharges it, well or badly. */
const family: fc.Arbitrary<readonly Bundle[]> = fc
  .record({
    shared: fc.array(caveat, { minLength: 1, maxLength: 3 }),
    each: fc.array(
      fc.record({
        forged: fc.nat({ max: 5 }).map((draw) => draw === 0),
        caveats: fc.array(caveat, { maxLength: 3 }),
        third: fc.oneof(
          { weight: 3, arbitrary: fc.constant("none" as const) },
          {
            weight: 2,
            arbitrary: fc.constantFrom("bound", "unbound", "missing", "wrong", "twice", "one text"),
          },
        ),
        ofDischarge: fc.array(caveat, { maxLength: 2 }),
      }),
      { minLength: 4, maxLength: 4 },
    ),
  })
  .map(({ shared, each }) =>
    each.map(({ forged, caveats, third, ofDischarge }) => {
      const key = forged ? KEY.map((byte) => byte ^ 1) : KEY;
      const links = [root(key)];
      let last = root(key);
      for (const text of [...shared, ...caveats]) {
        last = attenuate(last, [text]);
        links.push(last);
      }
      if (third === "none") return { token: encode(last), discharges: [], links };
      const parent = withThirdParty(last, "t");
      const good = bind(parent, dischargeFor("t", ofDischarge));
      const whole = encodeBundle([parent, good]);
      if (third === "one text") return { token: whole, discharges: [], links };
      const discharges = {
        bound: [good],
        unbound: [dischargeFor("t", ofDischarge)],
        missing: [],
        wrong: [bind(parent, dischargeFor("t", ofDischarge, "another key"))],
        twice: [good, good],
      }[third];
      return { token: encode(parent), discharges: discharges.map((one) => encode(one)), links };
    }),
  );

type Step =
  | { readonly kind: "ask"; readonly which: number; readonly platform: string; readonly action: string }
  | { readonly kind: "wait"; readonly minutes: number }
  | { readonly kind: "revoke"; readonly which: number; readonly link: number }
  | { readonly kind: "pardon" }
  | { readonly kind: "key"; readonly to: "same" | "anew" | "other" | "bank" | "gone" }
  | { readonly kind: "principal"; readonly to: "same" | "development" | "bank" | "gone" };

const ask = fc.record({
  kind: fc.constant("ask" as const),
  which: fc.nat({ max: 3 }),
  platform: fc.constantFrom("shop", "shop", "shop", "bank"),
  action: fc.constantFrom("read", "write"),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: ask },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), minutes: fc.nat({ max: 900 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("revoke" as const),
      which: fc.nat({ max: 3 }),
      link: fc.nat({ max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pardon" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("key" as const),
      to: fc.constantFrom("same", "anew", "other", "bank", "gone"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("principal" as const),
      to: fc.constantFrom("same", "development", "bank", "gone"),
    }),
  },
);

const SAME_KEY = rootKey();

function change(world: World, change: Step & { kind: "key" | "principal" }): void {
  if (change.kind === "key") {
    const key = {
      same: SAME_KEY,
      anew: rootKey(),
      other: rootKey(KEY.map((byte) => byte ^ 1)),
      bank: rootKey(KEY, "bank"),
      gone: undefined,
    }[change.to];
    if (key === undefined) world.keys.delete(KEY_ID);
    else world.keys.set(KEY_ID, key);
    return;
  }
  const principal = {
    same: PRINCIPAL,
    development: { ...PRINCIPAL, development: true },
    bank: { ...PRINCIPAL, platform: "bank" },
    gone: undefined,
  }[change.to];
  if (principal === undefined) world.principals.delete(PRINCIPAL_ID);
  else world.principals.set(PRINCIPAL_ID, principal);
}

/** The worlds that remember: bundles alone, links alone by each hash, and both as the service does. */
const remembering = (): readonly World[] => [
  createWorld(),
  createWorld(0, { linkBytes: 1024 * 1024 }),
  createWorld(0, { linkBytes: 1024 * 1024, chain: chainOf(defaultHmac, defaultSha256) }),
  createWorld(0, { linkBytes: 1024 * 1024, chain: portableChain(NAME_PREFIX) }),
  createWorld(undefined, { linkBytes: 1024 * 1024 }),
];

/** The texts of an answer too, byte for byte, and members that say nothing. */
function written(answer: unknown): string {
  return JSON.stringify(answer, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
}

/**
 * Lets worlds change between questions and asks services that remember and one that does not.
 *
 * @returns how often the memory of bundles answered, how many links that of links spared, how many answers allowed, and the
 *   codes of the others
 */
async function compareWorlds(parameters: { readonly numRuns: number; readonly seed?: number }) {
  let hits = 0;
  let spared = 0;
  let allowed = 0;
  const codes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(family, fc.array(step, { minLength: 5, maxLength: 60 }), async (bundles, steps) => {
      const warm = remembering();
      const cold = createWorld(0);
      let revoked = new Set<string>();
      let now = NOON;
      for (const world of [...warm, cold]) {
        world.keys.set(KEY_ID, SAME_KEY);
        world.revoked = ({ revocationIds }) =>
          revocationIds.some((id) => revoked.has(Buffer.from(id).toString("hex")));
      }
      for (const next of steps) {
        if (next.kind === "wait") now += next.minutes * 60_000;
        else if (next.kind === "pardon") revoked = new Set();
        else if (next.kind === "revoke") {
          const link = bundles[next.which]?.links[next.link];
          if (link !== undefined)
            revoked.add(Buffer.from(revocationId(link.signature).bytes).toString("hex"));
        } else if (next.kind !== "ask") for (const world of [...warm, cold]) change(world, next);
        else {
          const { token = "", discharges = [] } = bundles[next.which] ?? {};
          const context = new Map([
            ["action", next.action],
            ["resource", "repo:acme/site"],
          ]);
          const asked = { token, discharges, platform: next.platform, context, now };
          const fresh = await verdict(cold, asked);
          const text = written(fresh);
          for (const world of warm) {
            for (let time = 0; time < 2; time++) {
              const answer = await verdict(world, asked);
              expect(answer).toEqual(fresh);
              expect(written(answer)).toBe(text);
            }
          }
          if (fresh.allowed) allowed++;
          else codes.add(fresh.code);
        }
      }
      expect(cold.hits).toBe(0);
      for (const world of warm) hits += world.hits;
      spared += 2 * cold.work.names - (warm[1]?.work.names ?? 0);
    }),
    parameters,
  );
  return { hits, spared, allowed, codes };
}

test("whatever changes between two questions, a service that remembers answers as one that does not", async () => {
  await compareWorlds({ numRuns: 60 });
});

test("the worlds are not too dull to tell anything", async () => {
  // A statistic of the same worlds each time.
  const { hits, spared, allowed, codes } = await compareWorlds({ numRuns: 30, seed: 1 });
  expect(hits).toBeGreaterThan(50);
  expect(spared).toBeGreaterThan(100);
  expect(allowed).toBeGreaterThan(5);
  expect(codes.size).toBeGreaterThan(2);
});
