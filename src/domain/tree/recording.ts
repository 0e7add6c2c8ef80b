import { agentText } from "../../caveats/caveat.ts";
import { type Condition, shownCaveat, thirdPartyText } from "../../caveats/condition.ts";
import { encodeBase64Url, type RevocationId, type VerifiedMacaroon } from "../../macaroon/index.ts";
import { forgetOldest } from "../parts/forget-oldest.ts";
import { nextTurn } from "../parts/turn.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { CutChain, SeenChain, SeenLink, TreeBounds } from "../ports/tokens.ts";
import { bundleWeight } from "../verify/bundle-weight.ts";
import type { VerdictObserver } from "../verify/observer.ts";
import type { VerifiedToken } from "../verify/verify-token.ts";

/** How much of one tree is on record. */
export const TREE_BOUNDS: TreeBounds = { children: 256, below: 20_000, leastBelow: 256 };

/** Different tokens that wait to be recorded, and the bytes that they hold, roughly. Verdicts on more of them are lost. */
const MOST_WAITING = 20_000;
const MOST_WEIGHT = 16 * 1024 * 1024;

/** Waiting tokens at which nobody waits for the next round. */
const ENOUGH = 4_000;

/** Milliseconds between two rounds. */
const PAUSE = 2_000;

/** Chains that one statement records, and chains that are written in one turn of the event loop. */
const TOGETHER = 500;
const IN_ONE_TURN = 50;

/** Approvals that are recorded of one token. */
const MOST_APPROVALS = 8;

/** Links that are remembered as standing on record, and those below which there was no room for more. */
const KNOWN_LINKS = 100_000;
const FULL_LINKS = 10_000;

/** Milliseconds after which it is asked again whether there is room. */
const FULL_FOR = 60_000;

/** Verdicts on one token since the last round, or of many that have no room of their own below one link. */
interface Waiting {
  readonly token: VerifiedToken;
  /** The link that all of it counts at; undefined for the token's own. */
  readonly at: RevocationId | undefined;
  readonly firstSeen: number;
  lastSeen: number;
  allowed: number;
  refused: number;
}

/** Records the links that verify sees, behind it. */
export interface Recording {
  readonly observe: VerdictObserver;
  /** Records all that waits, so that a reader here sees every answer given here before. Never rejects. */
  flush(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Makes the recorder.
 *
 * A verdict costs a look-up and an addition; everything else is done in rounds, in turns of the event loop. A round that
 * fails leaves its tokens for the next one. Verdicts without room are lost, counted, and reported: no verdict waits.
 *
 * @param report told of a round that failed, and of lost verdicts
 */
export function createRecording(options: {
  readonly store: Pick<Store, "links">;
  readonly clock: Clock;
  readonly report: (task: string, error: unknown) => void;
  readonly bounds?: TreeBounds | undefined;
}): Recording {
  const { store, clock, report, bounds = TREE_BOUNDS } = options;
  let waiting = new Map<VerifiedMacaroon | string, Waiting>();
  let weight = 0;
  let lost = 0;
  let failing = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Remembered bundles whose last link is on record. */
  const recorded = new WeakSet<VerifiedMacaroon>();
  /** Remembered bundles that came once and were counted at a link above. */
  const seenOnce = new WeakSet<VerifiedMacaroon>();
  /** Links on record by their texts, those that were recorded longest ago first. */
  const known = new Set<string>();
  const full = new Set<string>();
  let fullSince = Number.NEGATIVE_INFINITY;

  function note(set: Set<string>, text: string, most: number): void {
    set.add(text);
    forgetOldest(set, most);
  }

  /** The place in the chain of the lowest link that is on record as far as is known; undefined for the issued link. */
  function lowestKnown({ identifier, macaroon }: VerifiedToken): number | undefined {
    const ids = macaroon.revocationIds;
    for (let place = ids.length - 1; place > identifier.issuedCaveats; place--) {
      if (known.has((ids[place] as RevocationId).text)) return place;
    }
    return undefined;
  }

  /** The link below which there is no room for this token. */
  function fullAbove(token: VerifiedToken): RevocationId | undefined {
    if (full.size === 0) return undefined;
    const place = lowestKnown(token) ?? token.identifier.issuedCaveats;
    const { revocationIds } = token.macaroon;
    const id = revocationIds[place];
    return place < revocationIds.length - 1 && id !== undefined && full.has(id.text) ? id : undefined;
  }

  function begin(key: VerifiedMacaroon | string, token: VerifiedToken, at: RevocationId | undefined) {
    if (waiting.size >= MOST_WAITING || weight >= MOST_WEIGHT) {
      lost += 1;
      return undefined;
    }
    const now = clock.now();
    const one: Waiting = { token, at, firstSeen: now, lastSeen: now, allowed: 0, refused: 0 };
    waiting.set(key, one);
    weight += bundleWeight(token);
    if (waiting.size === ENOUGH && !failing) void flush();
    return one;
  }

  function admit(token: VerifiedToken): Waiting | undefined {
    const { macaroon } = token;
    // One that comes again may stand on record, by another replica: a crowd that never does must not hide it.
    const at = recorded.has(macaroon) || seenOnce.has(macaroon) ? undefined : fullAbove(token);
    if (at === undefined) return begin(macaroon, token, undefined);
    seenOnce.add(macaroon);
    return waiting.get(at.text) ?? begin(at.text, token, at);
  }

  function observe(token: VerifiedToken, isAllowed: boolean): void {
    const one = waiting.get(token.macaroon) ?? admit(token);
    if (one === undefined) return;
    one.lastSeen = clock.now();
    if (isAllowed) one.allowed += 1;
    else one.refused += 1;
  }

  /** Puts back a part that was not recorded, beside later verdicts. */
  function putBack(all: readonly (readonly [VerifiedMacaroon | string, Waiting])[]): void {
    for (const [key, one] of all) {
      const since = waiting.get(key);
      if (since === undefined && waiting.size >= MOST_WAITING) {
        lost += one.allowed + one.refused;
        continue;
      }
      if (since === undefined) weight += bundleWeight(one.token);
      waiting.set(key, {
        ...one,
        lastSeen: Math.max(one.lastSeen, since?.lastSeen ?? 0),
        allowed: one.allowed + (since?.allowed ?? 0),
        refused: one.refused + (since?.refused ?? 0),
      });
    }
  }

  /** The links that are missing on record, as far as is known. */
  function linksOf(token: VerifiedToken): SeenChain["links"] {
    const { macaroon, identifier } = token;
    if (recorded.has(macaroon)) return { last: macaroon.revocationId.bytes };
    const place = lowestKnown(token);
    const last = macaroon.revocationIds.length - 1;
    if (place === last) return { last: macaroon.revocationId.bytes };
    const above = place === undefined ? undefined : macaroon.revocationIds[place]?.bytes;
    return { above, added: linksBelow(token, place ?? identifier.issuedCaveats) };
  }

  /** Remembers which links stand on record since a chain was recorded. */
  function learn({ token, at }: Waiting, cut: CutChain | undefined): void {
    const { macaroon, identifier } = token;
    const ids = macaroon.revocationIds.slice(identifier.issuedCaveats);
    const lowest = cut === undefined ? at?.text : encodeBase64Url(cut.at);
    const isWhole = cut === undefined && at === undefined;
    if (isWhole) recorded.add(macaroon);
    else if (cut !== undefined) recorded.delete(macaroon);
    if (cut?.full && lowest !== undefined) note(full, lowest, FULL_LINKS);
    let stands = true;
    for (const [depth, { text }] of ids.entries()) {
      if (depth > 0 && stands) note(known, text, KNOWN_LINKS);
      // A link that stood on record before may be there no more.
      if (!stands) known.delete(text);
      if (text === lowest) stands = false;
    }
  }

  async function record(part: readonly Waiting[]): Promise<void> {
    const chains: SeenChain[] = [];
    for (const [index, one] of part.entries()) {
      if (index > 0 && index % IN_ONE_TURN === 0) await nextTurn();
      const links = one.at === undefined ? linksOf(one.token) : { last: one.at.bytes };
      chains.push(chainOf(one, links));
    }
    const cut = new Map((await store.links.observe(chains, bounds)).map((one) => [one.place, one]));
    for (const [index, one] of part.entries()) {
      if (index > 0 && index % IN_ONE_TURN === 0) await nextTurn();
      learn(one, cut.get(index));
    }
  }

  async function round(): Promise<void> {
    const all = [...waiting];
    waiting = new Map();
    weight = 0;
    if (clock.monotonic() - fullSince > FULL_FOR) {
      full.clear();
      fullSince = clock.monotonic();
    }
    for (let start = 0; start < all.length; start += TOGETHER) {
      try {
        await record(all.slice(start, start + TOGETHER).map(([, one]) => one));
        failing = false;
      } catch (error) {
        putBack(all.slice(start));
        // Told once, and not every two seconds of an outage.
        if (!failing) report("record what verify has seen", error);
        failing = true;
        break;
      }
    }
    if (lost === 0) return;
    report(`record what verify has seen: ${lost} verdicts are not in the tree`, undefined);
    lost = 0;
  }

  function flush(): Promise<void> {
    if (running !== undefined || waiting.size === 0) return running ?? Promise.resolve();
    running = round().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    observe,

    async flush() {
      // One that is under way may have begun before the reader's last verdict.
      await running;
      await flush();
    },

    start() {
      timer = setInterval(() => void flush(), PAUSE).unref();
    },

    async stop() {
      clearInterval(timer);
      await running;
      await flush();
    },
  };
}

function chainOf({ token, ...counts }: Waiting, links: SeenChain["links"]): SeenChain {
  const { identifier, macaroon, conditions, approvals } = token;
  const issued = identifier.issuedCaveats;
  return {
    tokenId: identifier.tokenId,
    issued: (macaroon.revocationIds[issued] ?? macaroon.revocationId).bytes,
    issuedAgent: lastAgent(conditions.slice(0, issued)),
    links,
    allowed: counts.allowed,
    refused: counts.refused,
    firstSeen: counts.firstSeen,
    lastSeen: counts.lastSeen,
    approvals: approvals.slice(0, MOST_APPROVALS),
  };
}

/** The links below one place of the chain. */
function linksBelow({ identifier, macaroon, conditions }: VerifiedToken, place: number): readonly SeenLink[] {
  const links: SeenLink[] = [];
  let agent = lastAgent(conditions.slice(0, identifier.issuedCaveats));
  let level = 0;
  for (let index = identifier.issuedCaveats; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    const handsOn = agentOf(condition) !== undefined;
    if (handsOn) level += 1;
    agent = agentOf(condition) ?? agent;
    const id = macaroon.revocationIds[index + 1];
    if (id === undefined) throw new Error("a caveat without a link");
    if (index < place) continue;
    links.push({ link: id.bytes, caveat: shownCondition(condition), agent, handsOn, level });
  }
  return links;
}

function agentOf(condition: Condition): string | undefined {
  return condition.state === "known" && condition.caveat.kind === "agent"
    ? agentText(condition.caveat)
    : undefined;
}

function lastAgent(conditions: readonly Condition[]): string | null {
  return conditions.reduce<string | null>((agent, condition) => agentOf(condition) ?? agent, null);
}

function shownCondition(condition: Condition): string {
  return condition.state === "third_party"
    ? thirdPartyText(shownCaveat(condition.location))
    : shownCaveat(condition.text);
}
