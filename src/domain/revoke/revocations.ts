import type { Caller } from "../caller.ts";
import type { KeyAllowance } from "../keys/key-allowance.ts";
import { replaceKey } from "../keys/key-rotation.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { DomainError } from "../parts/error.ts";
import { printSequence } from "../parts/sequence.ts";
import { beginTimeSlice, mapInTurns } from "../parts/time-slice.ts";
import { createPersonAllowance, REVOCATIONS } from "../person-allowance.ts";
import type { Actor } from "../ports/audit.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Revocation, RevocationScope } from "../ports/revocations.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { Principals } from "../principals.ts";
import type { RevocationFeed } from "../replica/revocation-feed.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Revocations, RevokeTarget } from "../service.ts";
import type { Recording } from "../tree/recording.ts";
import type { TokenVerifier } from "../verify/verify-token.ts";
import { createRevocationWriter, type RevocationDraft, type Written, withSuccessors } from "./append.ts";
import { hashKeyOf, positionOf, readPage, seenBy, viewOf, withSequence } from "./log-page.ts";
import type { RevocationStreams } from "./log-streams.ts";
import { createPossession, type Wanted } from "./possession.ts";
import { createRevocationRights } from "./rights.ts";
import { createPreview, requireFewTargets } from "./would-stop.ts";

/** Approvals of one request whose requests are told: of others the log alone tells. */
const MOST_NOTED = 100;

/** As {@link MOST_NOTED}, of discharges that rest on people of a request: as many as one person may have. */
const MOST_NOTED_LATER = 1_000;

/** Targets of one request whose successors are revoked, too: each takes a search while the log is held. */
const MOST_WITH_SUCCESSORS = 20;

/** An entry as it was asked for. */
function asAsked({ withSuccessorsOf }: RevocationDraft, entry: Revocation): Revocation {
  const { target } = entry;
  if (withSuccessorsOf === undefined || target.kind !== "token_id") return entry;
  return { ...entry, target: { ...target, successors: true } };
}

/** Entries that are made ready for the answer in one turn of the event loop. */
const TOGETHER = 25;

/**
 * Revokes links and reads the log.
 *
 * The order of durable effects: (1) the replacement of an active root key that is to be revoked, in a transaction of
 * its own; then (2) the log's counter, the entries and an audit event for each, committed by one statement; then (3)
 * this replica's own set, and (4) the answer. So an acknowledged revocation is on disk, and holds on this replica from
 * the answer on.
 *
 * @param ownIssuer the issuer that a subject without one belongs to
 */
export function createRevocations(options: {
  readonly store: Store;
  readonly tokenVerifier: TokenVerifier;
  readonly rootKeys: RootKeys;
  readonly principals: Principals;
  readonly knowledge: Pick<
    RevocationKnowledge,
    "position" | "isRevoked" | "deadLinks" | "wideMatch" | "revokesKey"
  >;
  readonly feed: Pick<RevocationFeed, "learn">;
  readonly recording: Pick<Recording, "flush">;
  readonly streams: RevocationStreams;
  readonly agentKeys: AgentKeys;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly steps: Steps;
  readonly ownIssuer: string;
  readonly allowance: Pick<KeyAllowance, "takeForRevocation">;
  /** Called once the revocation of an approval stands. */
  readonly onApprovalRevoked: (id: string, scope: RevocationScope, actor: Actor) => Promise<void>;
}): Revocations {
  const { store, knowledge, feed, clock, steps, agentKeys } = options;
  const byPossession = createPossession(options);
  const takeFromPerson = createPersonAllowance({ clock }, REVOCATIONS);
  const rights = createRevocationRights(options);
  const write = createRevocationWriter(options);
  const preview = createPreview(options);

  async function readTargets(
    caller: Caller | undefined,
    targets: readonly RevokeTarget[],
  ): Promise<readonly Wanted[]> {
    const all: Wanted[] = [];
    let asked = 0;
    let named: ReturnType<typeof rights.of> | undefined;
    const slice = beginTimeSlice(clock);
    for (const [index, target] of targets.entries()) {
      if (slice.isOver()) {
        await slice.next();
        // The credential may have been revoked meanwhile, or be over: it is asked for anew.
        named = undefined;
      }
      const member = `targets[${index}]`;
      if (target.kind === "token") {
        all.push(await byPossession(target.token, `${member}.token`));
      } else {
        named ??= rights.of(caller);
        takeFromPerson(caller, member);
        if (target.kind === "token_id" && target.successors && ++asked > MOST_WITH_SUCCESSORS) {
          const why = `at most ${MOST_WITH_SUCCESSORS} targets of a request may have successors`;
          throw new DomainError("invalid_request", why, `${member}.successors`);
        }
        all.push({ kind: "entry", ...(await named(target, member)) });
      }
    }
    return all;
  }

  /** Has those told who wait for an approval. The revocation stands already, so an outage here changes no answer. */
  async function noteWithdrawn(
    drafts: readonly RevocationDraft[],
    { entries, resting }: Written,
  ): Promise<void> {
    const named = entries
      .slice(0, MOST_NOTED)
      .map((entry, index) => ({ entry, actor: drafts[index]?.actor }));
    await noteAll([...named, ...resting.slice(0, MOST_NOTED)]);
    // Until they are noted they take up places of their person. The answer need not wait for all of them.
    void noteAll(resting.slice(MOST_NOTED, MOST_NOTED_LATER));
  }

  async function noteAll(
    all: readonly { readonly entry: Revocation; readonly actor: Actor | undefined }[],
  ): Promise<void> {
    for (const { entry, actor } of all) {
      const { target, scope } = entry;
      if (target.kind !== "approval_id" || actor === undefined) continue;
      await options.onApprovalRevoked(target.id, scope, actor).catch(() => {});
    }
  }

  /** Replaces the keys that are about to be revoked: a platform must never be left without one that is good. */
  async function replaceKeys(caller: Caller | undefined, all: readonly Wanted[]): Promise<void> {
    const keys = new Map(
      all.flatMap((one) =>
        one.kind === "entry" && one.key !== undefined ? [[one.key.id, { ...one, key: one.key }]] : [],
      ),
    );
    const due = [...keys.values()].filter(({ key }) => !knowledge.revokesKey(key.platform, key.id));
    const taken = new Map<string, () => void>();
    try {
      for (const { key, draft } of due) {
        const signs = key.retiredAt === null || key.retiredAt > clock.now();
        if (!signs) continue;
        taken.set(key.id, options.allowance.takeForRevocation(caller, key.platform, draft.member));
      }
      for (const { key, draft } of due) {
        if (await replaceKey(options, key.platform, key.id, draft.actor)) taken.delete(key.id);
      }
    } finally {
      // Nothing was made for those that are left.
      for (const giveBack of taken.values()) giveBack();
    }
  }

  return {
    async revoke(caller, request) {
      const all = await readTargets(caller, request.targets);
      await steps.passed("revoke:begun");
      await replaceKeys(caller, all);
      const drafts = all.flatMap((one) => (one.kind === "entry" ? [one.draft] : []));
      // Also without drafts: an entry that is there already may be one that no standby has, and is answered for here.
      const written = await write(drafts, request);
      const { epoch, entries } = written;
      const further = written.resting.map(({ entry }) => entry);
      await steps.passed("revoke:committed");
      await feed.learn(epoch, [...entries, ...further]);
      await steps.passed("revoke:applied");
      await noteWithdrawn(drafts, written);

      const rest = entries[Symbol.iterator]();
      const revocations = await mapInTurns(all, TOGETHER, (one) => {
        const revocation = one.kind === "there" ? one.revocation : rest.next().value;
        if (revocation === undefined) throw new Error("the store returned fewer entries than it was given");
        return withSequence(one.kind === "there" ? revocation : asAsked(one.draft, revocation), epoch);
      });
      const ofSuccessors = entries.slice(drafts.length);
      const ends = [...ofSuccessors, ...further].map((one) => withSequence(one, epoch));
      const last = [...revocations, ...ends].reduce((most, one) =>
        one.revocation.number > most.revocation.number ? one : most,
      );
      return { revocations, sequence: last.sequence };
    },

    async wouldStop(caller, request) {
      requireFewTargets(request.targets);
      const all = await readTargets(caller, request.targets);
      const entries = all.flatMap((one) => (one.kind === "entry" ? [one] : []));
      const now = await store.now();
      const drafts = await withSuccessors(
        store.lines,
        entries.map(({ draft }) => draft),
        now,
      );
      const more = drafts.slice(entries.length).map((draft) => ({ draft, key: undefined }));
      return preview(caller, [...entries, ...more]);
    },

    async log(caller, after, limit) {
      const view = viewOf(caller);
      const { position, entries } = await readPage(store, positionOf(after), limit, view);
      const { epoch } = position;
      const seen = await mapInTurns(entries, TOGETHER, (entry) => seenBy(view, entry, epoch, agentKeys));
      const items = seen.flat();
      const last = entries.at(-1);
      const isFull = entries.length === limit && last !== undefined;
      const more = isFull ? withSequence(last, epoch).sequence : undefined;
      return {
        items,
        next: more,
        sequence: more ?? printSequence(position),
        hashKey: hashKeyOf(view, epoch, agentKeys),
      };
    },

    follow: options.streams.open,
  };
}
