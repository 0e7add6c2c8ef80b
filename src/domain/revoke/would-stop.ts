import { splitAgent } from "../../words/ids.ts";
import type { Caller } from "../caller.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { beginTimeSlice } from "../parts/time-slice.ts";
import { payerName } from "../parts/turn.ts";
import { payerOf } from "../payer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { RevocationTarget } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { ObservedLink, TreeSearch } from "../ports/tokens.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { createRevocationSet, type RevocationSet } from "../replica/revoked-set.ts";
import { type GrownLink, grow, issuedSubject } from "../tree/grow.ts";
import type { Recording } from "../tree/recording.ts";
import type { WouldStop } from "../tree-service.ts";
import { datedTarget, lastMatchOf, type RevocationDraft } from "./append.ts";
import type { Allowed } from "./rights.ts";

/** Tokens, and links of them, that one question looks at; targets that it may name. */
const MOST_TOKENS = 1_000;
const MOST_LINKS = 20_000;
const MOST_TARGETS = 100;

/** Names of agents that an answer tells. */
const MOST_AGENTS = 100;

/** Questions a second, and at once, of one asker; and of all at once: each reads thousands of rows. */
const BY_ASKER = { perSecond: 1, burst: 20, maxKeys: 20_000 };
const AT_ONCE = 4;

/** Tells the effect of entries without writing them. Rejects with `rate_limited` or `unavailable`. */
export type Preview = (caller: Caller | undefined, allowed: readonly Allowed[]) => Promise<WouldStop>;

/**
 * Makes the preview. Entries are tried out on the links that verify has seen, by the very code by which they kill tokens, so that
 * scopes and instants count as they will. A dead link is stopped by nothing.
 */
export function createPreview(options: {
  readonly store: Pick<Store, "tokens" | "links" | "revocations">;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly rootKeys: Pick<RootKeys, "held">;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked">;
  readonly recording: Pick<Recording, "flush">;
}): Preview {
  const { store, clock, randomness, rootKeys, knowledge, recording } = options;
  const byAsker = createRateLimit({ clock, ...BY_ASKER });
  let running = 0;

  /** The tokens that entries may concern. */
  async function candidates(all: readonly Allowed[], targets: readonly RevocationTarget[], now: number) {
    const tokenIds = new Set<string>();
    let whole = true;
    for (const [index, { draft, key }] of all.entries()) {
      const target = targets[index];
      if (target === undefined) continue;
      const search = searchFor(target, key?.platform);
      const found = await store.links.find(search, draft.scope, now, MOST_TOKENS);
      whole &&= found.whole;
      for (const id of found.tokenIds) tokenIds.add(id);
    }
    const kept = [...tokenIds].slice(0, MOST_TOKENS);
    return { tokenIds: kept, whole: whole && kept.length === tokenIds.size };
  }

  function entriesOf(drafts: readonly RevocationDraft[], targets: readonly RevocationTarget[], now: number) {
    const set = createRevocationSet(randomness);
    for (const [index, { scope, author }] of drafts.entries()) {
      const target = targets[index];
      if (target === undefined) continue;
      const lastMatchAt = lastMatchOf(target, now);
      const number = index + 1;
      set.add({
        number,
        id: String(number),
        scope,
        target,
        reason: null,
        author,
        revokedAt: now,
        lastMatchAt,
        hash: undefined,
      });
    }
    return set;
  }

  async function preview(all: readonly Allowed[]): Promise<WouldStop> {
    await recording.flush();
    const moment = await store.revocations.moment();
    const { now } = moment;
    const drafts = all.map(({ draft }) => draft);
    const targets = drafts.map((draft) => datedTarget(draft, moment));
    const set = entriesOf(drafts, targets, now);
    const { tokenIds, whole } = await candidates(all, targets, now);
    const entries = await store.tokens.findAll(tokenIds);
    const rows = await store.links.trees(tokenIds, MOST_LINKS + 1, now);
    const byToken = new Map<string, ObservedLink[]>();
    for (const row of rows.slice(0, MOST_LINKS)) {
      const known = byToken.get(row.tokenId);
      if (known === undefined) byToken.set(row.tokenId, [row]);
      else known.push(row);
    }

    const slice = beginTimeSlice(clock);
    const stopped: ObservedLink[] = [];
    let tokens = 0;
    let isWhole = whole && rows.length <= MOST_LINKS;
    for (const entry of entries) {
      if (slice.isOver()) await slice.next();
      const links = grow(byToken.get(entry.token.id) ?? [], entry, issuedSubject(entry, rootKeys));
      isWhole &&= links[0].row.whole;
      const dying = newlyDead(links, set, knowledge);
      if (dying.length > 0) tokens += 1;
      for (const { row } of dying) if (row.allowed > 0) stopped.push(row);
    }
    const agents = new Set(stopped.flatMap(({ agent }) => (agent === null ? [] : [splitAgent(agent).name])));
    return {
      tokens,
      links: stopped.length,
      agents: [...agents].sort().slice(0, MOST_AGENTS),
      callsLastHour: stopped.reduce((sum, { lastHour }) => sum + lastHour, 0),
      lastSeen: stopped.reduce<number | null>((last, one) => Math.max(last ?? 0, one.lastSeen), null),
      complete: isWhole,
    };
  }

  return async (caller, all) => {
    if (!byAsker.take(nameOf(caller, all))) {
      throw new DomainError("rate_limited", "too many dry runs of revocations by one caller");
    }
    if (running >= AT_ONCE) throw new DomainError("unavailable", "many dry runs are under way: ask again");
    running += 1;
    try {
      return await preview(all);
    } finally {
      running -= 1;
    }
  };
}

/** Refuses too many targets for one answer, before work is done. */
export function requireFewTargets({ length }: readonly unknown[]): void {
  if (length <= MOST_TARGETS) return;
  throw new DomainError("unprocessable", `a dry run takes ${MOST_TARGETS} targets at most`, "targets");
}

/** Without a credential, the holders of one tree. */
function nameOf(caller: Caller | undefined, all: readonly Allowed[]): string {
  if (caller === undefined) {
    const actor = all[0]?.draft.actor;
    return actor?.kind === "holder" ? `holder\n${actor.tokenId}` : "";
  }
  return payerName(payerOf(caller));
}

/** The links that live and that the entries kill. @param links parents before children */
function newlyDead(
  links: readonly GrownLink[],
  set: RevocationSet,
  knowledge: Pick<RevocationKnowledge, "isRevoked">,
): readonly GrownLink[] {
  const dead = new Set<GrownLink>();
  const dying = new Set<GrownLink>();
  const stopped: GrownLink[] = [];
  for (const link of links) {
    const { above, subject, row } = link;
    if ((above !== undefined && dead.has(above)) || knowledge.isRevoked(subject)) {
      dead.add(link);
      continue;
    }
    if ((above !== undefined && dying.has(above)) || set.matches(subject)) {
      dying.add(link);
      stopped.push(link);
      continue;
    }
    // A discharge that dies stops the calls that rest on it, and not those of links below.
    const { approvals } = row;
    if (approvals.length > 0 && set.matches({ ...subject, approvals })) stopped.push(link);
  }
  return stopped;
}

/** @param platform that of the key that a target names */
function searchFor(target: RevocationTarget, platform: string | undefined): TreeSearch {
  switch (target.kind) {
    case "revocation_id":
      return target.tree === undefined
        ? { kind: "link", link: target.id }
        : { kind: "token", tokenId: target.tree };
    case "token_id":
      return { kind: "token", tokenId: target.id };
    case "agent":
      return target.tokenId === null
        ? { kind: "agent", agent: target.agent }
        : { kind: "token", tokenId: target.tokenId };
    case "principal":
      return { kind: "principal", issuer: target.issuer, subject: target.subject };
    case "principal_id":
      return { kind: "principal_id", id: target.id };
    case "key_id":
      return { kind: "platform", platform: platform ?? "", keyId: target.id };
    case "platform":
      return { kind: "platform", platform: target.platform, keyId: undefined };
    case "approval_id":
      return { kind: "approval", approvalId: target.id };
    default:
      return target satisfies never;
  }
}
