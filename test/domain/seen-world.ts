import { createCaveatReader } from "../../src/caveats/memo.ts";
import type { RootKey } from "../../src/domain/keys/root-keys.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { createBundleCache } from "../../src/domain/memory/bundle-cache.ts";
import { createLinkMemory, type LinkMemory } from "../../src/domain/memory/link-memory.ts";
import { type RememberedBundle, rememberBundles } from "../../src/domain/memory/remembered-bundles.ts";
import { rememberLinks } from "../../src/domain/memory/remembered-links.ts";
import { createSightings } from "../../src/domain/memory/sightings.ts";
import type { Principal } from "../../src/domain/ports/principals.ts";
import type { RevocationSubject } from "../../src/domain/replica/revocation-subject.ts";
import type { Decisions, Verdict } from "../../src/domain/service.ts";
import { createDecisions } from "../../src/domain/verify/decisions.ts";
import type { KillingEntry } from "../../src/domain/verify/killing-entry.ts";
import { nodeChain } from "../../src/domain/verify/node-hash.ts";
import { createBundleVerifier, createFindKey } from "../../src/domain/verify/verify-bundle.ts";
import { createTokenVerifier, type TokenVerifier } from "../../src/domain/verify/verify-token.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { attenuate, type ChainHash, mint, type UnverifiedMacaroon } from "../../src/macaroon/index.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { printIdentifier } from "../../src/words/identifier.ts";
import { question } from "../support/question.ts";

export const KEY_ID = "Zk3vQm2xT9aBcDeF";
export const PRINCIPAL_ID = "pW3kD0q9xYb2LmNa";
export const KEY = new Uint8Array(32).fill(7);

const IDENTIFIER = printIdentifier({
  keyId: KEY_ID,
  tokenId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  principalId: PRINCIPAL_ID,
  issuedCaveats: 1,
});

/** Finds no entry of any dead token. */
export const NO_ENTRY: KillingEntry = {
  find: async () => undefined,
  factsOf() {
    throw new Error("no entry was found");
  },
};

/** A root macaroon that the world's key signed. */
export function root(key = KEY, ...caveats: readonly string[]): UnverifiedMacaroon {
  return attenuate(mint({ rootKey: key, identifier: IDENTIFIER }), [
    "time < 2027-01-01T00:00:00Z",
    ...caveats,
  ]);
}

export function rootKey(key = KEY, platform = "shop"): RootKey {
  return { id: KEY_ID, platform, key: new Secret(key.slice()), activeFrom: 0, retiredAt: null };
}

export const PRINCIPAL: Principal = {
  id: PRINCIPAL_ID,
  platform: "shop",
  issuer: "https://login.test",
  subject: "alice",
  email: null,
  assertedBy: "issuer",
  development: false,
  createdAt: 0,
};

/** A verifier of tokens whose surroundings a test changes, and what its cache was asked. */
export interface World {
  readonly keys: Map<string, RootKey>;
  readonly principals: Map<string, Principal>;
  revoked: (subject: RevocationSubject) => boolean;
  hits: number;
  kept: number;
  /** Who was asked for keys that memory does not hold. */
  readonly askers: (string | undefined)[];
  readonly tokenVerifier: TokenVerifier;
  readonly bytes: () => number;
  /** The memory of links; undefined if there is none. */
  readonly links: LinkMemory | undefined;
  /** Links that were hashed, and links that were named. */
  readonly work: { steps: number; names: number };
  /** The refusal's code, or `revoked`, or `good`. */
  ask(token: string, discharges?: readonly string[], platform?: string): Promise<string>;
}

/** A question to such a world, by a platform. */
export interface Asked {
  readonly token: string;
  readonly discharges: readonly string[];
  readonly platform: string;
  readonly context: JsonObject;
  /** Whether the decision alone is asked for. */
  readonly brief?: boolean;
}

/** The whole question to such a world, at an instant (unix milliseconds). */
export function verdict(world: World, asked: Asked & { readonly now: number }): Promise<Verdict> {
  return asking(world, asked.now)(asked);
}

/** The decisions of such a world at an instant, unix milliseconds. */
export function decisionsOf({ tokenVerifier }: World, now: number): Decisions {
  return createDecisions({
    killingEntry: NO_ENTRY,
    resources: { find: async () => undefined, forget: () => {} },
    tokenVerifier,
    knowledge: {
      requireFresh: () => undefined,
      position: () => ({ epoch: "e", number: 1 }),
      isRevoked: () => false,
    },
    feed: { reach: () => Promise.resolve() },
    clock: { now: () => now, monotonic: () => now },
    // Whatever was remembered, the same is charged.
    randomness: systemRandomness,
    charge: async (_, { draws }) => ({
      passed: false,
      repeated: false,
      mismatched: false,
      replayed: false,
      reservation: undefined,
      left: draws.map(({ link, most }) => ({
        remaining: `${most} of ${Buffer.from(link).toString("hex")}`,
        short: true,
        retryAfter: undefined,
      })),
    }),
  });
}

/** Asks such a world at an instant, unix milliseconds. */
export function asking(world: World, now: number): (asked: Asked) => Promise<Verdict> {
  const decisions = decisionsOf(world, now);
  return (asked) => {
    const caller = {
      kind: "service",
      role: "platform",
      platform: asked.platform,
      credentialId: "",
      links: ["link"],
      narrowed: [],
      resource: undefined,
      refuses: () => undefined,
    } as const;
    return decisions.decide(caller, { ...question(asked.token), ...asked });
  };
}

/** A chain's hash that counts. */
function counted(chain: ChainHash, work: World["work"]): ChainHash {
  return {
    begin: (tail) => chain.begin(tail),
    step(message) {
      work.steps++;
      return chain.step(message);
    },
    name(tail) {
      work.names++;
      return chain.name(tail);
    },
  };
}

/**
 * @param maxBytes the bound of the memory of bundles; 0 for none
 * @param options the bound of the memory of links, none unless said; the hash of chains, the service's own unless said
 */
export function createWorld(
  maxBytes = 1024 * 1024,
  options: { readonly linkBytes?: number; readonly chain?: ChainHash } = {},
): World {
  const cache = createBundleCache<RememberedBundle>(maxBytes);
  const held = new Map([[KEY_ID, rootKey()]]);
  const findKey = createFindKey({
    held: (id) => held.get(id),
    find: async (id, asker) => {
      world.askers.push(asker);
      return held.get(id);
    },
  });
  const work = { steps: 0, names: 0 };
  const chain = counted(options.chain ?? nodeChain, work);
  const readCaveat = createCaveatReader();
  const whole = createBundleVerifier(findKey, undefined, chain, readCaveat);
  const links = options.linkBytes === undefined ? undefined : createLinkMemory(options.linkBytes);
  const verifier = links
    ? rememberLinks(whole, findKey, { memory: links, sightings: createSightings(), readCaveat, chain })
    : whole;
  const memory = {
    sightings: createSightings(),
    cache: {
      find(key: string) {
        const found = cache.find(key);
        if (found !== undefined) world.hits++;
        return found;
      },
      keep(key: string, value: RememberedBundle, bytes: number) {
        world.kept++;
        return cache.keep(key, value, bytes);
      },
    },
  };
  const world: World = {
    keys: held,
    principals: new Map([[PRINCIPAL_ID, PRINCIPAL]]),
    revoked: () => false,
    hits: 0,
    kept: 0,
    askers: [],
    bytes: () => cache.bytes,
    links,
    work,
    tokenVerifier: createTokenVerifier({
      bundles: maxBytes === 0 ? verifier : rememberBundles(verifier, findKey, memory),
      principals: { find: async (id) => world.principals.get(id) },
      knowledge: { isRevoked: (subject) => world.revoked(subject) },
      trustsDevelopment: false,
    }),
    async ask(token, discharges = [], platform = "shop") {
      const verification = await world.tokenVerifier.verify(token, discharges, platform);
      if (!verification.ok) return verification.code;
      return verification.token.revoked === undefined ? "good" : "revoked";
    },
  };
  return world;
}
