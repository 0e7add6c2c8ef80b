import { createHash } from "node:crypto";

import { type Caller, wayOf } from "../caller.ts";
import { createBranchLimit } from "../parts/branch-limit.ts";
import { DomainError } from "../parts/error.ts";
import { networkOf, networksAround } from "../parts/network.ts";
import { createTreeLimit } from "../parts/tree-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  DischargeProtocol,
  DischargeSubject,
  ShownPlace,
  WaitingForApprover,
  WaitingOfAsker,
} from "../ports/discharge-requests.ts";
import type { AssertedBy } from "../ports/principals.ts";
import type { Repositories } from "../ports/store.ts";

/** How many requests may wait. */
export interface WaitingLimits {
  /** Of those that showed one link, links below it aside. */
  readonly link: number;
  readonly asker: number;
  /** Approvals, for one person or group. */
  readonly approver: number;
}

const USUAL: WaitingLimits = { link: 5, asker: 50, approver: 1_000 };

/**
 * Approvals of stock bakery clients that may wait for one person or group. They need no token to ask, and are counted
 * apart: they cannot keep out the others.
 */
const MOST_OF_BAKERY = 60;

/**
 * The shares of those places that go to one wide network, to one network in it and to one address in that, of the room
 * that the others there leave. An address is told apart from others by nothing else, and a holder of one often has those
 * beside it.
 */
const SHARES_OF_NETWORKS = [1 / 4, 2 / 3, 1 / 2];

/**
 * The shares of an approver's places that go to one platform, and in it to people of the platform's own word, out of the places that
 * the others leave. A platform can invent any number of people.
 */
const SHARES_OF_PLATFORMS = [3 / 4, 1 / 2];

/**
 * How many times an asker's places wait for all its links together. Deeper links do not count against those above, so that a
 * token could be asked for from each of its links in turn, from the deepest up; beyond this each has one.
 */
const TIMES_DEEPER = 4;

const NO_PLACE: ShownPlace = { depth: 0, branch: [] };

/** No request has this id. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

/** Milliseconds between two lines of the log that say that the same is full. */
const SAID_AGAIN = 60_000;

/** The share that one asker may take of the places that are left with an approver. */
const SHARE = 1 / 4;

/**
 * The share that one branch may take of the places above it that the others leave: of a person's, one token; of a
 * token's, one of those that it was handed on to; and so on. So none of them fills all, however much it hands on itself.
 */
const SHARE_OF_BRANCH = 3 / 4;

/** Milliseconds for which a no holds for those that ask the same again, and how many times they may ask it otherwise. */
const DENIED = 600_000;
const MOST_DENIED = 3;

/** Requests a second, and at once, of one caller, or of one token with all that was made of it. */
const ASKING = { perSecond: 2, burst: 40 };

/**
 * Approvals a second, and at once, that are begun for one person or network, whichever of their tokens asks, and waiting or not. Each is
 * announced, and stays on record for weeks: withdrawn at once, it would take no place.
 */
const ASKING_PEOPLE = { perSecond: 1 / 5, burst: 100 };

/** The number of askers, and of parts of tokens, that rates are remembered for. */
const ASKERS = 50_000;

/** Links by which a credential was narrowed that a branch is told by: deeper links belong to the last of them. */
const MOST_NARROWED = 3;

/** An asker for a discharge. */
export interface Asker {
  /** SHA-256 of the name of the person, of the credential, or of the network; 32 bytes. */
  readonly hash: Uint8Array;
  /** The place below that name, of a narrowed credential or of a program, or the place of a stranger; null if there is none. */
  readonly place: ShownPlace | null;
}

/** The bounds that keep anyone from asking without end. */
export interface DischargeLimits {
  /**
   * Names the asker: the person, the credential, or the network that the question comes from. A good token that is shown has
   * an allowance of its own, so that those behind one address keep out nobody with such a token.
   *
   * @param place of the shown link
   * @throws DomainError `rate_limited`
   */
  admit(caller: Caller | undefined, from: string, place?: ShownPlace): Asker;
  /**
   * Refuses a request that was just inserted, if too many wait. A request that a person is about to answer is never pushed
   * out: the newcomer is refused.
   *
   * @throws DomainError `rate_limited`, naming the full limit
   */
  requireRoom(
    repositories: Repositories,
    request: {
      readonly callerHash: Uint8Array;
      readonly link: string | null;
      readonly place: ShownPlace | null;
      readonly approverKeys: readonly string[];
      readonly protocol: DischargeProtocol;
      /** The shown token's; null if none was shown. */
      readonly platform: string | null;
      readonly assertedBy: AssertedBy | null;
    },
    now: number,
  ): Promise<void>;
  /**
   * Refuses to ask a person again a question that they have just said no to: the same of the same ticket by the token that
   * asked, by those that it was handed on to, or by one that its holder narrowed in another way.
   *
   * @throws DomainError `denied`
   */
  requireUndenied(
    repositories: Repositories,
    asked: {
      readonly ticketHash: Uint8Array;
      readonly place: ShownPlace | null;
      readonly caveats: readonly string[];
    },
    now: number,
  ): Promise<void>;
}

/** A name that says nothing of the text that it was made from, as branches are stored by; 22 characters. */
function opaque(name: string): string {
  return Buffer.from(hashOf(name)).toString("base64url").slice(0, 22);
}

function askerBy(way: readonly string[]): Asker {
  const [name = "", ...below] = way;
  const branch = below.slice(0, MOST_NARROWED).map((link) => opaque(`${name}\n${link}`));
  return { hash: hashOf(name), place: below.length === 0 ? null : { depth: below.length, branch } };
}

/** The place of a stranger's address among the networks around it, which have shares of the room that is left to strangers. */
export function placeOfStranger(from: string): ShownPlace {
  return { depth: 0, branch: networksAround(from).map((network) => opaque(`networks\n${network}`)) };
}

/** Names the asker that shows a token: the token's person, from any address. */
export function askerOf(subject: DischargeSubject): Uint8Array {
  return hashOf(`principal\n${subject.platform}\n${subject.principal.id}`);
}

/**
 * The places of the first branch that takes more than its share; undefined if each keeps within it.
 *
 * @param most the places of the level above the first branch, and those of them that are taken
 * @param ofBranch those that each branch has taken, one within the other
 * @param shares of each; those that are left out are {@link SHARE_OF_BRANCH}
 */
function fullBranch(
  most: number,
  taken: number,
  ofBranch: readonly number[],
  shares: readonly number[] = [],
): number | undefined {
  let room = most;
  let above = taken;
  for (const [index, own] of ofBranch.entries()) {
    room = Math.max(1, Math.floor((room - (above - own)) * (shares[index] ?? SHARE_OF_BRANCH)));
    if (own > room) return room;
    above = own;
  }
  return undefined;
}

function hashOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse discharge caller v1\0").update(name).digest());
}

/**
 * Waits for the other requests of the asker that are being counted, which see each other only once they are committed. The
 * turn is a place that nobody keeps: its row is held until the transaction ends, whether it could be taken or not.
 */
async function takeTurn(
  { liveDischarges }: Repositories,
  callerHash: Uint8Array,
  now: number,
): Promise<void> {
  const place = createHash("sha256").update("bakehouse asking v1\0").update(callerHash).digest();
  await liveDischarges.take({ place: new Uint8Array(place), requestId: NOBODY, livesUntil: now }, now);
}

/**
 * Makes the limits.
 *
 * @param options.waiting those that differ from the usual ones
 * @param options.onFull told of a full limit, at most once a minute for each limit
 */
export function createDischargeLimits(options: {
  readonly clock: Clock;
  readonly waiting?: Partial<WaitingLimits> | undefined;
  readonly onFull: (limit: keyof WaitingLimits, most: number) => void;
}): DischargeLimits {
  const { clock, onFull } = options;
  const limits = { ...USUAL, ...options.waiting };
  const said = new Map<keyof WaitingLimits, number>();

  /** The refusal at a limit, told to the operator too. */
  function full(limit: keyof WaitingLimits, most: number, what: string): DomainError {
    const now = clock.monotonic();
    if (now - (said.get(limit) ?? Number.NEGATIVE_INFINITY) >= SAID_AGAIN) {
      said.set(limit, now);
      onFull(limit, most);
    }
    return new DomainError("rate_limited", `${what}: wait until some are answered or have expired`);
  }

  function requireShare(
    limit: "asker" | "approver",
    most: number,
    { ofAsker, ofBranch }: Pick<WaitingOfAsker, "ofAsker" | "ofBranch">,
  ): void {
    const room = fullBranch(most, ofAsker, ofBranch);
    if (room !== undefined)
      throw full(limit, room, `${room} requests of this branch of the token wait already`);
  }

  function requirePlatforms(
    most: number,
    { all, ofPlatform, ofWord }: WaitingForApprover,
    assertedBy: AssertedBy | null,
  ): void {
    const own = assertedBy === "platform" ? [ofPlatform, ofWord] : [ofPlatform];
    const room = fullBranch(most, all, own, SHARES_OF_PLATFORMS);
    if (room === undefined) return;
    const what = `${room} requests of this platform wait already for the people who have to approve`;
    throw full("approver", room, what);
  }

  function requireNetworks({ all, ofAsker, ofBranch }: WaitingForApprover): void {
    const room = fullBranch(MOST_OF_BAKERY, all, [...ofBranch, ofAsker], SHARES_OF_NETWORKS);
    if (room === undefined) return;
    const what = `${room} requests from this network wait already for the people who have to approve`;
    throw full("approver", room, what);
  }

  const asking = createTreeLimit({ clock, ...ASKING, maxTrees: ASKERS });
  const askingPeople = createBranchLimit({
    clock,
    ...ASKING_PEOPLE,
    maxKeys: ASKERS,
    share: SHARE_OF_BRANCH,
  });
  const askingByToken = createBranchLimit({ clock, ...ASKING, maxKeys: ASKERS, share: SHARE_OF_BRANCH });
  return {
    admit(caller, from, place) {
      const way = caller === undefined ? [`address\n${networkOf(from)}`] : wayOf(caller);
      const byToken = place !== undefined && caller?.kind !== "human";
      if (!(byToken ? askingByToken.take(place.branch) : asking.take(way)))
        throw new DomainError("rate_limited", "too many requests for discharges at once");
      return askerBy(way);
    },
    async requireRoom(repositories, request, now) {
      const { callerHash, link, approverKeys, protocol, platform, assertedBy } = request;
      const { depth, branch } = request.place ?? NO_PLACE;
      const isStranger = protocol === "bakery";
      const { dischargeRequests } = repositories;
      // Strangers take turns by the widest of their networks, since those beside each other share its places.
      const [widest = ""] = isStranger ? branch : [];
      await takeTurn(repositories, widest === "" ? callerHash : hashOf(widest), now);
      const asker = { callerHash, link, depth, branch: isStranger ? [] : branch };
      const own = await dischargeRequests.waitingOf(asker, now);
      if (own.ofLink > limits.link) {
        throw full("link", limits.link, `${limits.link} requests of this token wait already`);
      }
      if (own.ofAsker > limits.asker) {
        throw full("asker", limits.asker, `${limits.asker} requests of this asker wait already`);
      }
      const most = limits.asker * TIMES_DEEPER;
      if (own.ofAll > most && own.ofAsker > 1) {
        throw full("asker", most, `${most} requests of all links of this asker wait already`);
      }
      requireShare("asker", limits.asker, own);
      if (approverKeys.length === 0) return;
      const name = Buffer.from(callerHash).toString("base64url");
      if (!askingPeople.take([name, ...branch.map((link) => `${name} ${link}`)])) {
        const { burst, perSecond } = ASKING_PEOPLE;
        const what = `${burst} approvals at once and one more every ${1 / perSecond} s for one asker, and parts of that for what it handed on`;
        throw new DomainError("rate_limited", `too many approvals were asked for: ${what}`);
      }
      const places = isStranger ? MOST_OF_BAKERY : limits.approver;
      for (const waiting of await dischargeRequests.waitingFor(
        approverKeys,
        { callerHash, protocol, branch, platform, assertedBy },
        now,
      )) {
        if (waiting.all > places) {
          const what = `${places} requests wait already for the people who have to approve`;
          throw full("approver", places, what);
        }
        if (isStranger) {
          requireNetworks(waiting);
          continue;
        }
        requirePlatforms(places, waiting, assertedBy);
        const share = Math.max(1, Math.floor((places - waiting.all) * SHARE));
        if (waiting.ofAsker > share) {
          const what = `${share} requests of this asker wait already for the people who have to approve`;
          throw full("approver", share, what);
        }
        requireShare("approver", share, waiting);
      }
    },
    async requireUndenied({ dischargeRequests }, { ticketHash, place, caveats }, now) {
      if (place === null) return;
      const { branch } = place;
      const { all, same } = await dischargeRequests.denied({ ticketHash, branch, caveats }, now - DENIED);
      if (same === 0 && all < MOST_DENIED) return;
      const minutes = DENIED / 60_000;
      throw new DomainError("denied", `a person said no to this within the last ${minutes} minutes`);
    },
  };
}
