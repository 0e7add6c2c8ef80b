import { parseRevocationId } from "../macaroon/index.ts";
import { actorOf, auditEvent } from "./audit.ts";
import type { Caller } from "./caller.ts";
import { DomainError } from "./error.ts";
import type { Examination, GoodToken } from "./examination.ts";
import { judge } from "./judgement.ts";
import { MAX_TOKEN_LIFE } from "./lifetimes.ts";
import { requireAdministrator, requireAdministratorOrPlatform, requirePlatform } from "./permission.ts";
import type { Actor } from "./ports/audit.ts";
import type { Clock } from "./ports/clock.ts";
import type { Randomness } from "./ports/randomness.ts";
import type {
  LogView,
  NewRevocation,
  Revocation,
  RevocationScope,
  RevocationTarget,
} from "./ports/revocations.ts";
import type { Steps } from "./ports/steps.ts";
import type { Store } from "./ports/store.ts";
import { createRateLimit } from "./rate-limit.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import { parseSequence, printSequence } from "./sequence.ts";
import type { Revocations, RevokeTarget } from "./service.ts";
import { isUuidv7, uuidv7 } from "./uuid.ts";

/** What a target asks for: a new entry, or none because one that covers it stands in the log. */
type Wanted =
  | {
      readonly kind: "entry";
      readonly scope: RevocationScope;
      readonly target: RevocationTarget;
      readonly author: string;
      readonly actor: Actor;
    }
  | { readonly kind: "there"; readonly revocation: Revocation };

/** Revocations by possession a second, and at once, of one root macaroon's tree. */
const BY_HOLDER = { perSecond: 1, burst: 20 };

/** Root macaroons whose holders' rate is remembered. */
const HOLDERS = 50_000;

/**
 * Revokes links and reads the log.
 *
 * The order of durable effects, all in one transaction: (1) the log's counter and the entries, (2) an
 * audit event for each, (3) commit; then (4) this replica's own set, and (5) the answer. So an
 * acknowledged revocation is on disk, and holds on this replica from the answer on.
 */
export function createRevocations(options: {
  readonly store: Store;
  readonly examination: Examination;
  readonly feed: RevocationFeed;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly steps: Steps;
}): Revocations {
  const { store, examination, feed, clock, randomness, steps } = options;
  const byHolder = createRateLimit({ clock, ...BY_HOLDER, maxKeys: HOLDERS });

  async function held(token: string, member: string): Promise<GoodToken> {
    const examined = await examination.examineAny(token);
    const expired = examined.ok && judge(examined.token, new Map(), clock.now()).refusal?.code === "expired";
    if (!examined.ok || expired)
      throw new DomainError("not_found", "is not a good token of this service", member);
    return examined.token;
  }

  async function byPossession(text: string, member: string): Promise<Wanted> {
    const token = await held(text, member);
    const { identifier, macaroon, rootKey, principal } = token;
    if (!byHolder.take(identifier.tokenId)) {
      throw new DomainError("rate_limited", "too many revocations of links of one token at once", member);
    }
    if (token.revoked !== undefined) {
      const ids = macaroon.revocationIds.map(({ bytes }) => bytes);
      const covering = await store.revocations.covering(rootKey.platform, principal, identifier.tokenId, ids);
      if (covering !== undefined) return { kind: "there", revocation: covering };
    }
    return {
      kind: "entry",
      scope: { kind: "link", platform: rootKey.platform },
      target: { kind: "revocation_id", id: macaroon.revocationId.bytes },
      author: "holder",
      actor: { kind: "holder", tokenId: identifier.tokenId },
    };
  }

  function scopeOf(caller: Caller | undefined): { readonly scope: RevocationScope; readonly author: string } {
    if (caller === undefined)
      throw new DomainError("unauthenticated", "only a token's holder may revoke without a credential");
    if (caller.kind === "human" && !caller.administrator) {
      const { issuer, subject } = caller.identity;
      return { scope: { kind: "principal", issuer, subject }, author: "principal" };
    }
    if (caller.kind === "service" && caller.role === "platform") {
      const platform = requirePlatform(caller, "revoke");
      return { scope: { kind: "platform", platform }, author: `platform:${platform}` };
    }
    requireAdministrator(caller, "revoke", undefined);
    return { scope: { kind: "all" }, author: "administrator" };
  }

  function targetOf(
    target: Exclude<RevokeTarget, { readonly kind: "token" }>,
    member: string,
  ): RevocationTarget {
    if (target.kind === "token_id") {
      if (isUuidv7(target.tokenId)) return { kind: "token_id", id: target.tokenId };
      throw new DomainError("invalid_request", "is not a token id", `${member}.token_id`);
    }
    const id = parseRevocationId(target.revocationId);
    if (id !== undefined) return { kind: "revocation_id", id: id.bytes };
    throw new DomainError("invalid_request", "is not a revocation id", `${member}.revocation_id`);
  }

  async function wanted(caller: Caller | undefined, target: RevokeTarget, index: number): Promise<Wanted> {
    const member = `targets[${index}]`;
    if (target.kind === "token") return byPossession(target.token, `${member}.token`);
    const { scope, author } = scopeOf(caller);
    const actor: Actor = caller === undefined ? { kind: "service" } : actorOf(caller);
    return { kind: "entry", scope, target: targetOf(target, member), author, actor };
  }

  async function append(all: readonly Wanted[], reason: string | undefined): Promise<readonly Revocation[]> {
    return store.transaction("revoke", async (repositories) => {
      const now = await repositories.now();
      const entries: (NewRevocation & { readonly actor: Actor })[] = [];
      for (const one of all) {
        if (one.kind === "there") continue;
        const { scope, target, author, actor } = one;
        const id = uuidv7(now, randomness);
        const lastMatchAt = now + MAX_TOKEN_LIFE;
        entries.push({
          id,
          scope,
          target,
          author,
          actor,
          reason: reason ?? null,
          revokedAt: now,
          lastMatchAt,
        });
      }
      const appended = await repositories.revocations.append(entries);
      await steps.passed("revoke:recorded");
      const events = entries
        .filter(({ id }, index) => appended[index]?.id === id)
        .map(({ id, scope, target, actor }) =>
          auditEvent(randomness, now, {
            action: "token.revoked",
            actor,
            platform: "platform" in scope ? scope.platform : null,
            details: {
              revocation: id,
              target: target.kind,
              id: target.kind === "token_id" ? target.id : Buffer.from(target.id).toString("base64url"),
              scope: scope.kind,
              reason: reason ?? null,
            },
          }),
        );
      if (events.length > 0) await repositories.audit.append(events);
      await steps.passed("revoke:audited");
      return appended;
    });
  }

  const withSequence = (revocation: Revocation, epoch: string) => ({
    revocation,
    sequence: printSequence({ epoch, number: revocation.number }),
  });

  return {
    async revoke(caller, request) {
      const all: Wanted[] = [];
      for (const [index, target] of request.targets.entries()) all.push(await wanted(caller, target, index));
      await steps.passed("revoke:begun");
      const isNews = all.some(({ kind }) => kind === "entry");
      const appended = isNews ? await append(all, request.reason) : [];
      await steps.passed("revoke:committed");
      feed.learn(appended);
      await steps.passed("revoke:applied");

      const rest = appended[Symbol.iterator]();
      const { epoch } = feed.position();
      const revocations = all.map((one) => {
        const revocation = one.kind === "there" ? one.revocation : rest.next().value;
        if (revocation === undefined) throw new Error("the store returned fewer entries than it was given");
        return withSequence(revocation, epoch);
      });
      const last = Math.max(...revocations.map(({ revocation }) => revocation.number));
      return { revocations, sequence: printSequence({ epoch, number: last }) };
    },

    async log(caller, after, limit) {
      const platform = requireAdministratorOrPlatform(caller, "read", undefined);
      const view: LogView = platform === undefined ? { kind: "all" } : { kind: "platform", platform };
      const from = after === undefined ? undefined : parseSequence(after);
      if (after !== undefined && from === undefined) {
        throw new DomainError("invalid_request", "is not a sequence of this service", "after");
      }
      const { position, entries } = await store.revocations.read(from?.number ?? 0, limit, view);
      if (from !== undefined && (from.epoch !== position.epoch || from.number > position.number)) {
        throw new DomainError("gone", "the log has begun anew since: read it from the start", "after");
      }
      const items = entries.map((entry) => withSequence(entry, position.epoch));
      const more = items.length === limit ? items.at(-1)?.sequence : undefined;
      return { items, next: more, sequence: more ?? printSequence(position) };
    },
  };
}
