import type { Condition } from "../../caveats/condition.ts";
import { encodeBase64Url } from "../../macaroon/index.ts";
import type { Caller } from "../caller.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { forgetOldest } from "../parts/forget-oldest.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { authorKind, killerSeenBy, type RevocationFacts, toldReason } from "../revocation-facts.ts";
import { linksOf } from "./bundle-texts.ts";
import { subjectOf, type VerifiedToken } from "./verify-token.ts";

/** Look-ups of entries a second, and at once, of one platform's tokens: a flood of dead ones must not reach the database. */
const OF_A_PLATFORM = { perSecond: 20, burst: 100, maxKeys: 1_000 };

/** The same of all platforms together. */
const OF_ALL = { perSecond: 100, burst: 500, maxKeys: 1 };

/** Entries that are remembered. They never change. */
const REMEMBERED = 10_000;

/** Milliseconds that an answer waits for a look-up: that the token is dead is known, and only the why is missing. */
const PATIENCE = 300;

interface LookUp {
  readonly found: Promise<Revocation | undefined>;
  /** By the monotonic clock, milliseconds. */
  readonly since: number;
  entry: Revocation | undefined;
}

/** The entries that killed tokens. */
export interface KillingEntry {
  /** @returns undefined if that cannot be told at once. Never rejects */
  find(token: VerifiedToken): Promise<Revocation | undefined>;
  /** The facts of the entry that killed a token, as an asker may know them. */
  factsOf(token: VerifiedToken, entry: Revocation, asker: Caller): RevocationFacts;
}

/** The first agent caveat that an entry names: its place, or -1. */
function placeOfAgent(conditions: readonly Condition[], name: string): number {
  return conditions.findIndex((condition) => agentNames(condition).includes(name));
}

function agentNames(condition: Condition): readonly string[] {
  if (condition.state !== "known" || condition.caveat.kind !== "agent") return [];
  const { name, instance } = condition.caveat;
  return instance === undefined ? [name] : [name, `${name}#${instance}`];
}

/** The dead link in the chain: by an agent's entry that of its caveat, by a link's that link, else what was issued. */
function deadLink(token: VerifiedToken, { target }: Revocation) {
  const links = linksOf(token);
  const id = target.kind === "revocation_id" ? encodeBase64Url(target.id) : undefined;
  const found =
    id !== undefined
      ? links.indexOf(id)
      : target.kind === "agent"
        ? placeOfAgent(token.conditions, target.agent) + 1
        : token.identifier.issuedCaveats;
  // A link of a discharge stands in no place of the root macaroon's chain.
  const names =
    found < 0 ? [] : token.conditions.slice(0, found).flatMap((condition) => agentNames(condition).slice(-1));
  return {
    revocationId: id ?? links[Math.max(found, 0)] ?? token.macaroon.revocationId.text,
    agent: names.at(-1) ?? null,
    depth: names.length,
  };
}

/**
 * Makes the finder of the entries that killed tokens. Memory knows that a link is dead, and not why: that is read once for
 * each entry, within a rate and a short while, and a verdict without it stands all the same.
 */
export function createKillingEntry(options: {
  readonly store: Pick<Store, "revocations">;
  readonly knowledge: Pick<RevocationKnowledge, "deadLinks" | "wideMatch" | "position">;
  readonly agentKeys: AgentKeys;
  readonly clock: Clock;
}): KillingEntry {
  const { store, knowledge, agentKeys, clock } = options;
  const ofPlatform = createRateLimit({ clock, ...OF_A_PLATFORM });
  const ofAll = createRateLimit({ clock, ...OF_ALL });
  const known = new Map<string, LookUp>();

  function nameOf(
    platform: string,
    tokenId: string,
    link: Uint8Array | undefined,
    number: number | undefined,
  ) {
    if (link !== undefined) return `${platform} ${encodeBase64Url(link)}`;
    return number === undefined ? `${platform} ${tokenId}` : String(number);
  }

  function begin(name: string, found: Promise<Revocation | undefined>): LookUp {
    const lookUp: LookUp = { found, since: clock.monotonic(), entry: undefined };
    known.set(name, lookUp);
    forgetOldest(known, REMEMBERED);
    // One that could not be read, or stands elsewhere, is sought anew with the next token.
    const forget = () => void (known.get(name) === lookUp && known.delete(name));
    found.then((entry) => {
      lookUp.entry = entry;
      if (entry === undefined) forget();
    }, forget);
    return lookUp;
  }

  async function find(token: VerifiedToken): Promise<Revocation | undefined> {
    const { rootKey, principal, identifier } = token;
    const { platform } = rootKey;
    const subject = subjectOf(token);
    const ids = knowledge.deadLinks(subject, 1);
    const number = ids.length === 0 ? knowledge.wideMatch(subject) : undefined;
    const name = nameOf(platform, identifier.tokenId, ids[0], number);
    let lookUp = known.get(name);
    if (lookUp === undefined) {
      if (!ofPlatform.take(platform) || !ofAll.take("")) return undefined;
      const found =
        number === undefined
          ? store.revocations.covering(platform, principal, identifier.tokenId, ids)
          : store.revocations.find(number);
      lookUp = begin(name, found);
    }
    const left = PATIENCE - (clock.monotonic() - lookUp.since);
    return lookUp.entry ?? (left > 0 ? soon(lookUp.found, left) : undefined);
  }

  return {
    find,
    factsOf: (token, entry, asker) => ({
      target: killerSeenBy(asker, entry, {
        principalId: token.principal.id,
        agentKeys,
        epoch: knowledge.position().epoch,
      }),
      ...deadLink(token, entry),
      revokedAt: entry.revokedAt,
      by: authorKind(entry),
      reason: toldReason(asker, entry),
    }),
  };
}

async function soon(
  found: Promise<Revocation | undefined>,
  milliseconds: number,
): Promise<Revocation | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined).unref();
  });
  try {
    return await Promise.race([found, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
