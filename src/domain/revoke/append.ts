import { auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { createGathering, eventualOutcome, type Outcome } from "../parts/gathering.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { mapInTurns } from "../parts/time-slice.ts";
import { payerName } from "../parts/turn.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Actor } from "../ports/audit.ts";
import type { Randomness } from "../ports/randomness.ts";
import type {
  Appended,
  AppendedRevocation,
  LogMoment,
  NewRevocation,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
} from "../ports/revocations.ts";
import type { Steps } from "../ports/steps.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { RevokeRequest } from "../service.ts";
import { restingOn } from "./confirmed-by.ts";

/** An entry that was asked for and is not dated yet by the log's clock. */
export interface RevocationDraft {
  readonly scope: RevocationScope;
  /** @param issuedBefore the instant that a target without one of its own takes, unix milliseconds */
  readonly target: (issuedBefore: number) => RevocationTarget;
  readonly author: string;
  readonly actor: Actor;
  /** The member of the request that a refusal names. */
  readonly member: string;
}

/** Written entries, with the log's epoch at that moment. */
export interface Written {
  readonly epoch: string;
  /** One for each draft, in the given order. */
  readonly entries: readonly AppendedRevocation[];
  /** Further ones: of what people had granted whom the drafts name. */
  readonly resting: readonly { readonly entry: AppendedRevocation; readonly actor: Actor }[];
}

/** Writes revocations; rejects with `unavailable` if they were not written or it is not known whether they were. */
export type RevocationWriter = (
  drafts: readonly RevocationDraft[],
  request: Pick<RevokeRequest, "reason" | "reasonIsPublic">,
) => Promise<Written>;

/** The most entries in one statement, unless one request alone has more. */
const TOGETHER = 1_000;

interface Job {
  readonly drafts: readonly RevocationDraft[];
  readonly reason: string | null;
  readonly reasonIsPublic: boolean;
}

/** Entries that are dated, and events that are made, in one turn of the event loop. */
const IN_ONE_TURN = 25;

/**
 * Entries that one statement writes; more take several, in one transaction. The rows of an answer that arrives are read
 * in one turn of the event loop: those of ten thousand entries held everybody up for a tenth of a second.
 */
const IN_ONE_STATEMENT = 200;

/** The result of a group in which every job was refused. */
const NOTHING: Appended = { epoch: "", entries: [] };

interface Dated {
  readonly entry: NewRevocation;
  readonly actor: Actor;
}

/**
 * The instant for `issuedBefore` that covers every token issued until now.
 *
 * Instants are whole milliseconds and `issuedBefore` is exclusive, so a token of this very millisecond needs one
 * more. The newest token on record counts too, in case the database's clock was set back since: every token that was
 * acknowledged before a revocation was asked for falls under it.
 */
export function everythingUntilNow({ now, newestIssuedAt }: LogMoment): number {
  return Math.max(now, newestIssuedAt ?? 0) + 1;
}

/**
 * Whether an entry is written while the log is held, as logins are redeemed. One that ends logins and is dated by the log: a
 * token that was got by one of them is either older than the entry, or is never recorded. And one that names a person: what they
 * have granted ends with it.
 */
function needsHold({ target }: RevocationDraft): boolean {
  const named = target(NEVER);
  if (named.kind === "principal" || named.kind === "principal_id") return true;
  return named.kind === "platform" && named.issuedBefore === NEVER;
}

/** An instant that no caller can name. */
const NEVER = -1;

/** The last instant at which an entry can match, unix milliseconds. */
export function lastMatchOf(target: RevocationTarget, now: number): number {
  return ("issuedBefore" in target ? target.issuedBefore : now) + MAX_TOKEN_LIFE;
}

/** The target of an entry that is written at a moment. Rejects with a fault of its `issued_before`. */
export function datedTarget(
  { target: make, member }: Pick<RevocationDraft, "target" | "member">,
  moment: LogMoment,
): RevocationTarget {
  const target = make(everythingUntilNow(moment));
  if (!("issuedBefore" in target)) return target;
  if (target.issuedBefore > everythingUntilNow(moment)) {
    throw new DomainError("invalid_request", "lies in the future", `${member}.issued_before`);
  }
  if (lastMatchOf(target, moment.now) < moment.now) {
    const why = "lies so far back that every token from before it has expired";
    throw new DomainError("unprocessable", why, `${member}.issued_before`);
  }
  return target;
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
    details: {
      revocation: id,
      ...detailsOf(target),
      scope: scope.kind,
      reason: entry.reason,
      ...(entry.reasonIsPublic === true && { public_reason: true }),
    },
  });
}

/**
 * Makes the writer.
 *
 * Appends wait for each other at the log's counter, each for a flush of the disk. Requests that arrive while others
 * are under way are therefore written together. Each is all or nothing still, its entries have consecutive numbers, and
 * none is answered before they are committed. Entries are dated just before the log is held, so that it is held for a
 * single statement, but for those that end logins. A token that was acknowledged before the request came is older than that date.
 */
export function createRevocationWriter(options: {
  readonly store: Pick<Store, "revocations" | "transaction">;
  readonly randomness: Randomness;
  readonly steps: Steps;
}): RevocationWriter {
  const { revocations } = options.store;
  const { randomness, steps } = options;

  async function date({ drafts, reason, reasonIsPublic }: Job, moment: LogMoment): Promise<readonly Dated[]> {
    const { now } = moment;
    return mapInTurns(drafts, IN_ONE_TURN, ({ scope, author, actor, ...draft }) => {
      const target = datedTarget(draft, moment);
      const id = uuidv7(now, randomness);
      const lastMatchAt = lastMatchOf(target, now);
      const entry = { id, scope, target, reason, reasonIsPublic, author, revokedAt: now, lastMatchAt };
      return { entry, actor };
    });
  }

  /** The entries for what rests on the people whom a job's entries name, behind them. */
  async function withResting(
    requests: Repositories["dischargeRequests"],
    job: Outcome<readonly Dated[]>,
    now: number,
  ): Promise<Outcome<readonly Dated[]>> {
    if (!job.ok) return job;
    const dated = job.value;
    const found = await restingOn(
      requests,
      dated.map(({ entry }) => entry),
      now,
    );
    const further = found.flatMap(({ place, approvalId, scope, author }) => {
      const named = dated[place];
      if (named === undefined) return [];
      const target: RevocationTarget = { kind: "approval_id", id: approvalId };
      const lastMatchAt = lastMatchOf(target, now);
      const entry = { ...named.entry, id: uuidv7(now, randomness), scope, author, target, lastMatchAt };
      return [{ entry, actor: named.actor }];
    });
    return { ok: true, value: [...dated, ...further] };
  }

  const appendTo = async (log: RevocationStore, all: readonly Dated[]): Promise<Appended> =>
    log.append(
      all.map(({ entry }) => entry),
      await mapInTurns(all, IN_ONE_TURN, ({ entry, actor }) => revocationEvent(randomness, entry, actor)),
    );

  async function appendInParts(log: RevocationStore, all: readonly Dated[]): Promise<Appended> {
    const entries: AppendedRevocation[] = [];
    let epoch = "";
    for (let at = 0; at < all.length; at += IN_ONE_STATEMENT) {
      const part = await appendTo(log, all.slice(at, at + IN_ONE_STATEMENT));
      epoch = part.epoch;
      for (const entry of part.entries) entries.push(entry);
    }
    return { epoch, entries };
  }

  async function append(all: readonly Dated[]): Promise<Appended> {
    if (all.length <= IN_ONE_STATEMENT) return appendTo(revocations, all);
    return options.store.transaction("revocations.append", (repositories) =>
      appendInParts(repositories.revocations, all),
    );
  }

  async function write(jobs: readonly Job[]): Promise<readonly Outcome<Written>[]> {
    if (!jobs.some(({ drafts }) => drafts.some(needsHold))) {
      const moment = await revocations.moment();
      return writeDated(jobs, await dateAll(jobs, moment), append);
    }
    return options.store.transaction("revocations.append", async (repositories) => {
      const { revocations: log, dischargeRequests } = repositories;
      const moment = await log.hold();
      const whole: Outcome<readonly Dated[]>[] = [];
      for (const one of await dateAll(jobs, moment)) {
        whole.push(await withResting(dischargeRequests, one, moment.now));
      }
      return writeDated(jobs, whole, (all) => appendInParts(log, all));
    });
  }

  async function dateAll(
    jobs: readonly Job[],
    moment: LogMoment,
  ): Promise<readonly Outcome<readonly Dated[]>[]> {
    const dated: Outcome<readonly Dated[]>[] = [];
    for (const job of jobs) dated.push(await eventualOutcome(() => date(job, moment)));
    return dated;
  }

  async function writeDated(
    jobs: readonly Job[],
    dated: readonly Outcome<readonly Dated[]>[],
    append: (all: readonly Dated[]) => Promise<Appended>,
  ): Promise<readonly Outcome<Written>[]> {
    const all = dated.flatMap((one) => (one.ok ? one.value : []));
    await steps.passed("revoke:dated");
    // Entries that stand in the log already are appended too: the commit shows that they are safe.
    const { epoch, entries } = dated.some(({ ok }) => ok) ? await append(all) : NOTHING;
    let end = 0;
    return dated.map((one, place) => {
      if (!one.ok) return one;
      const start = end;
      end += one.value.length;
      const written = entries.slice(start, end);
      const asked = jobs[place]?.drafts.length ?? 0;
      const resting = written.slice(asked).flatMap((entry, index) => {
        const actor = one.value[asked + index]?.actor;
        return actor === undefined ? [] : [{ entry, actor }];
      });
      return { ok: true, value: { epoch, entries: written.slice(0, asked), resting } };
    });
  }

  const gathered = createGathering({
    run: write,
    weigh: ({ drafts }: Job) => drafts.length,
    room: TOGETHER,
    atOnce: 1,
    // One caller's long revocations keep nobody else's waiting for more than one of them.
    lane: () => [payerName()],
  });
  return (drafts, { reason, reasonIsPublic = false }) =>
    gathered({ drafts, reason: reason ?? null, reasonIsPublic: reason !== undefined && reasonIsPublic });
}
