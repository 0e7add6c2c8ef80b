import { setImmediate } from "node:timers/promises";

import { auditEvent } from "./audit.ts";
import { DomainError } from "./error.ts";
import { MAX_TOKEN_LIFE } from "./lifetimes.ts";
import type { Actor } from "./ports/audit.ts";
import type { Randomness } from "./ports/randomness.ts";
import type {
  HeldLog,
  NewRevocation,
  Revocation,
  RevocationScope,
  RevocationTarget,
} from "./ports/revocations.ts";
import type { Steps } from "./ports/steps.ts";
import type { Repositories, Store } from "./ports/store.ts";
import { uuidv7 } from "./uuid.ts";

/** An entry that is wanted, before the log's clock has dated it. */
export interface RevocationDraft {
  readonly scope: RevocationScope;
  /** @param issuedBefore the instant that a target without one of its own takes, unix milliseconds */
  readonly target: (issuedBefore: number) => RevocationTarget;
  readonly author: string;
  readonly actor: Actor;
  /** The member of the request that a refusal names. */
  readonly member: string;
}

/** What was written, with the log's epoch at that moment. */
export interface Written {
  readonly epoch: string;
  /** One for each draft, in the given order. */
  readonly entries: readonly Revocation[];
}

/** Writes revocations; rejects with `unavailable` where that could not be done or nobody knows. */
export type RevocationWriter = (
  drafts: readonly RevocationDraft[],
  reason: string | undefined,
) => Promise<Written>;

/** Entries that are written in one transaction at most, unless one request alone has more. */
const TOGETHER = 1_000;

interface Job {
  readonly drafts: readonly RevocationDraft[];
  readonly reason: string | null;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

interface Dated {
  readonly entry: NewRevocation;
  readonly actor: Actor;
}

/**
 * The instant before which everything is meant that was issued until now.
 *
 * Instants are whole milliseconds and `issuedBefore` is exclusive, so a token of this very millisecond needs one
 * more. The newest token on record counts too, for the case that the database's clock was set back since:
 * whatever was acknowledged before a revocation was asked for falls under it.
 */
export function everythingUntilNow({ now, newestIssuedAt }: HeldLog): number {
  return Math.max(now, newestIssuedAt ?? 0) + 1;
}

/** The last instant at which an entry can match, unix milliseconds. */
export function lastMatchOf(target: RevocationTarget, now: number): number {
  return ("issuedBefore" in target ? target.issuedBefore : now) + MAX_TOKEN_LIFE;
}

function detailsOf(target: RevocationTarget): Readonly<Record<string, string | number | null>> {
  const { kind, ...named } = target;
  const readable = Object.entries(named).map(
    ([name, value]: [string, string | number | null | Uint8Array]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("base64url") : value,
    ],
  );
  return { target: kind, ...Object.fromEntries(readable) };
}

/** The audit event of an entry. */
export function revocationEvent(
  randomness: Randomness,
  { id, scope, target, ...entry }: NewRevocation,
  actor: Actor,
) {
  const named = target.kind === "platform" ? target.platform : null;
  return auditEvent(randomness, entry.revokedAt, {
    action: "token.revoked",
    actor,
    platform: "platform" in scope ? scope.platform : named,
    details: { revocation: id, ...detailsOf(target), scope: scope.kind, reason: entry.reason },
  });
}

/**
 * Makes the writer.
 *
 * The log's counter makes transactions that append wait for each other, each for a flush of the disk. So the
 * requests that arrive while one is under way are written together in the next: each is all or nothing still,
 * and none is answered before its transaction is committed.
 */
export function createRevocationWriter(options: {
  readonly store: Pick<Store, "transaction">;
  readonly randomness: Randomness;
  readonly steps: Steps;
}): RevocationWriter {
  const { store, randomness, steps } = options;
  const waiting: Job[] = [];
  let busy = false;

  function date({ drafts, reason }: Job, held: HeldLog): readonly Dated[] {
    const { now } = held;
    return drafts.map(({ scope, target: make, author, actor, member }) => {
      const target = make(everythingUntilNow(held));
      if ("issuedBefore" in target && target.issuedBefore > everythingUntilNow(held)) {
        throw new DomainError("invalid_request", "lies in the future", `${member}.issued_before`);
      }
      const id = uuidv7(now, randomness);
      const lastMatchAt = lastMatchOf(target, now);
      return { entry: { id, scope, target, reason, author, revokedAt: now, lastMatchAt }, actor };
    });
  }

  async function appendAll(
    repositories: Repositories,
    held: HeldLog,
    dated: readonly Dated[],
  ): Promise<readonly Revocation[]> {
    const audit = async (appended: readonly Revocation[]) => {
      const events = dated
        .filter(({ entry }, index) => appended[index]?.id === entry.id)
        .map(({ entry, actor }) => revocationEvent(randomness, entry, actor));
      if (events.length > 0) await repositories.audit.append(events);
      await steps.passed("revoke:audited");
    };
    const appended = await repositories.revocations.append(
      dated.map(({ entry }) => entry),
      held,
      audit,
    );
    await steps.passed("revoke:recorded");
    return appended;
  }

  async function write(jobs: readonly Job[]): Promise<void> {
    const refused = new Map<Job, unknown>();
    const taken: { readonly job: Job; readonly dated: readonly Dated[] }[] = [];
    const written = await store.transaction("revoke", async (repositories) => {
      const held = await repositories.revocations.hold();
      for (const job of jobs) {
        try {
          taken.push({ job, dated: date(job, held) });
        } catch (error) {
          refused.set(job, error);
        }
      }
      const dated = taken.flatMap((one) => one.dated);
      const entries = dated.length === 0 ? [] : await appendAll(repositories, held, dated);
      return { epoch: held.position.epoch, entries };
    });
    for (const [job, error] of refused) job.reject(error);
    let start = 0;
    for (const { job, dated } of taken) {
      const entries = written.entries.slice(start, start + dated.length);
      start += dated.length;
      job.resolve({ epoch: written.epoch, entries });
    }
  }

  function nextJobs(): readonly Job[] {
    let entries = 0;
    let count = 0;
    for (const { drafts } of waiting) {
      entries += drafts.length;
      if (count > 0 && entries > TOGETHER) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  async function drain(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      // Whoever was answered a moment ago is about to ask again: one turn later they are together.
      await setImmediate();
      const jobs = nextJobs();
      await write(jobs).catch((error: unknown) => {
        for (const { reject } of jobs) reject(error);
      });
    }
    busy = false;
  }

  return (drafts, reason) =>
    new Promise((resolve, reject) => {
      waiting.push({ drafts, reason: reason ?? null, resolve, reject });
      if (!busy) void drain();
    });
}
