import { auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { createGathering, eventualOutcome, type Outcome } from "../parts/gathering.ts";
import { MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { mapInTurns } from "../parts/time-slice.ts";
import { payerName } from "../parts/turn.ts";
import { uuidv7 } from "../parts/uuid.ts";
import { isWorkload, readVoucher } from "../parts/voucher.ts";
import type { Actor, AuditEvent } from "../ports/audit.ts";
import type { LineStore } from "../ports/issues.ts";
import type { Randomness } from "../ports/randomness.ts";
import type {
  Appended,
  AppendedRevocation,
  LogMoment,
  NewRevocation,
  PreparedEntries,
  RevocationScope,
  RevocationStore,
  RevocationTarget,
  WrittenEntries,
} from "../ports/revocations.ts";
import type { Steps } from "../ports/steps.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { platformReason } from "../revocation-facts.ts";
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
  /** A token whose successors get entries, too; absent if none do. */
  readonly withSuccessorsOf?: string;
}

/** Written entries, with the log's epoch at that moment. */
export interface Written {
  readonly epoch: string;
  /** One for each draft, in the given order; then those of successors, which nobody knows before the log is held. */
  readonly entries: readonly AppendedRevocation[];
  /** Further ones: of discharges that rest on people in the drafts. */
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

type Ready =
  | {
      readonly kind: "short";
      readonly entries: readonly NewRevocation[];
      readonly events: readonly AuditEvent[];
    }
  | { readonly kind: "long"; readonly parts: readonly PreparedEntries[] };

type Answer =
  | ({ readonly kind: "read" } & Appended)
  | { readonly kind: "unread"; readonly parts: readonly WrittenEntries[] };

interface WrittenJobs {
  /** The jobs with the drafts that only the held log could tell, behind those that were asked for. */
  readonly whole: readonly Job[];
  readonly dated: readonly Outcome<readonly Dated[]>[];
  readonly answer: Answer;
}

/** The answer for a group in which every job was refused. */
const NOTHING: Answer = { kind: "read", epoch: "", entries: [] };

/** The entries of jobs that are not refused; undefined if all are. A job has none if its entries stand in the log already. */
function soundOf(dated: readonly Outcome<readonly Dated[]>[]): readonly Dated[] | undefined {
  return dated.some(({ ok }) => ok) ? dated.flatMap((one) => (one.ok ? one.value : [])) : undefined;
}

/** Gives each job its entries. */
function share(
  jobs: readonly Job[],
  dated: readonly Outcome<readonly Dated[]>[],
  { epoch, entries }: Appended,
): readonly Outcome<Written>[] {
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
 * have granted ends with it. And one whose successors are looked for.
 */
function needsHold({ target, withSuccessorsOf }: RevocationDraft): boolean {
  if (withSuccessorsOf !== undefined) return true;
  const named = target(NEVER);
  if (named.kind === "principal" || named.kind === "principal_id") return true;
  return named.kind === "platform" && named.issuedBefore === NEVER;
}

/**
 * Entries for the tokens that renewed some that are to be revoked. Looked for while the log is held, as renewals are
 * recorded: each was recorded before and is found, or comes after and is refused.
 */
export async function withSuccessors(
  lines: Pick<LineStore, "successors">,
  drafts: readonly RevocationDraft[],
  now: number,
): Promise<readonly RevocationDraft[]> {
  const more: RevocationDraft[] = [];
  for (const { withSuccessorsOf, ...draft } of drafts) {
    if (withSuccessorsOf === undefined) continue;
    for (const id of await lines.successors([withSuccessorsOf], now)) {
      more.push({ ...draft, target: () => ({ kind: "token_id", id }) });
    }
  }
  return [...drafts, ...more];
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

/** A target as the audit log names it: an issuer by its own name, beside the kind of all but people. */
function shownTarget(target: RevocationTarget) {
  if (target.kind !== "principal" || !isWorkload(target.issuer)) return target;
  const { kind, issuer } = readVoucher(target.issuer);
  return { ...target, issuer, principal_kind: kind };
}

function detailsOf(target: RevocationTarget): Readonly<Record<string, string | number | null>> {
  const { kind, ...named } = shownTarget(target);
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
  const platform = "platform" in scope ? scope.platform : named;
  return auditEvent(randomness, entry.revokedAt, {
    action: "token.revoked",
    actor,
    platform,
    details: {
      revocation: id,
      ...detailsOf(target),
      scope: scope.kind,
      reason: platform === null ? entry.reason : platformReason(entry),
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

  /** Adds the entries for discharges that rest on people in a job's entries, behind them. */
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
      const { reason, reasonIsPublic } = named.entry;
      const entry = {
        ...named.entry,
        id: uuidv7(now, randomness),
        scope,
        author,
        target,
        // The scope is wider than that of the entry for which the reason was written.
        reason: reasonIsPublic === true ? reason : null,
        lastMatchAt,
      };
      return [{ entry, actor: named.actor }];
    });
    return { ok: true, value: [...dated, ...further] };
  }

  /** Makes entries ready: for one statement, or for as many as it takes. */
  async function prepare(all: readonly Dated[]): Promise<Ready> {
    const events = await mapInTurns(all, IN_ONE_TURN, ({ entry, actor }) =>
      revocationEvent(randomness, entry, actor),
    );
    const entries = all.map(({ entry }) => entry);
    if (entries.length <= IN_ONE_STATEMENT) return { kind: "short", entries, events };
    const parts: PreparedEntries[] = [];
    for (let at = 0; at < entries.length; at += IN_ONE_STATEMENT) {
      const end = at + IN_ONE_STATEMENT;
      parts.push(await revocations.prepare(entries.slice(at, end), events.slice(at, end)));
    }
    return { kind: "long", parts };
  }

  async function writeTo(log: RevocationStore, ready: Ready): Promise<Answer> {
    if (ready.kind === "short") return { kind: "read", ...(await log.append(ready.entries, ready.events)) };
    const parts: WrittenEntries[] = [];
    for (const part of ready.parts) parts.push(await log.write(part));
    return { kind: "unread", parts };
  }

  /** The entries that stand in the log now. A long answer is read once the log is let go. */
  async function standing(answer: Answer): Promise<Appended> {
    if (answer.kind === "read") return answer;
    const entries: AppendedRevocation[] = [];
    let epoch = "";
    for (const part of answer.parts) {
      const read = await revocations.standing(part);
      epoch = read.epoch;
      for (const entry of read.entries) entries.push(entry);
    }
    return { epoch, entries };
  }

  async function write(jobs: readonly Job[]): Promise<readonly Outcome<Written>[]> {
    const { whole, dated, answer } = jobs.some(({ drafts }) => drafts.some(needsHold))
      ? await writeHeld(jobs)
      : await writeReady(jobs);
    return share(whole, dated, await standing(answer));
  }

  /** Everything is made ready first, so that the log is held for as long as the statements take. */
  async function writeReady(jobs: readonly Job[]): Promise<WrittenJobs> {
    const dated = await dateAll(jobs, await revocations.moment());
    await steps.passed("revoke:dated");
    const all = soundOf(dated);
    if (all === undefined) return { whole: jobs, dated, answer: NOTHING };
    const ready = await prepare(all);
    const answer =
      ready.kind === "short"
        ? await writeTo(revocations, ready)
        : await options.store.transaction("revocations.append", (repositories) =>
            writeTo(repositories.revocations, ready),
          );
    return { whole: jobs, dated, answer };
  }

  /** The log is held while entries are dated and made ready, if their date or number depends on it. */
  async function writeHeld(jobs: readonly Job[]): Promise<WrittenJobs> {
    return options.store.transaction("revocations.append", async (repositories) => {
      const { revocations: log, dischargeRequests, lines } = repositories;
      const moment = await log.hold();
      const whole: Job[] = [];
      for (const job of jobs) {
        whole.push({ ...job, drafts: await withSuccessors(lines, job.drafts, moment.now) });
      }
      const dated: Outcome<readonly Dated[]>[] = [];
      for (const one of await dateAll(whole, moment)) {
        dated.push(await withResting(dischargeRequests, one, moment.now));
      }
      await steps.passed("revoke:dated");
      const all = soundOf(dated);
      return { whole, dated, answer: all === undefined ? NOTHING : await writeTo(log, await prepare(all)) };
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
