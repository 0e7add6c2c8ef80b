import { actorOf, auditEvent } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { Decided, DecidedVerdict } from "../decided.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { currentSpan } from "../parts/turn.ts";
import type { AuditEvent } from "../ports/audit.ts";
import type { Clock } from "../ports/clock.ts";
import { type Meter, NO_METER } from "../ports/meter.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

/** Which decisions are put on record: none, refused ones, all, or a share of all between 0 and 1. */
export type RecordedDecisions = "none" | "refused" | "all" | number;

/** Decisions that wait to be written, and of one platform: it cannot crowd out the others. */
const MOST_WAITING = 20_000;
const MOST_OF_ONE = 15_000;

/** Decisions in one statement. */
const TOGETHER = 1_000;

/** Milliseconds between two writes, and after one that failed. */
const PAUSE = 200;
const PAUSE_AFTER_FAILURE = 1_000;

/** Milliseconds for which a service that stops goes on writing. */
const LAST_WRITES = 2_000;

/** Agents of one decision that are named; the rest is counted. */
const MOST_AGENTS = 16;

interface Waiting {
  readonly at: number;
  readonly caller: Caller;
  readonly platform: string;
  readonly verdict: { readonly allowed: boolean; readonly code: string | undefined };
  readonly about: Decided | undefined;
  readonly resource: string | undefined;
  event?: AuditEvent;
}

/**
 * Refusals of one platform that are recorded each, if nobody's signature was right on what was shown: strangers send a platform's API
 * any number of those, and each would be kept for as long as an issue is. The others are counted, in one event a minute.
 */
const UNSIGNED = { perSecond: 1, burst: 100, maxKeys: 10_000 };
const COUNTED_FOR = 60_000;
const UNSIGNED_CODES: ReadonlySet<string> = new Set([
  "malformed",
  "too_large",
  "unknown_key",
  "bad_signature",
]);

interface Gap {
  readonly platform: string;
  /** Whether they are refusals of what nobody signed, beyond those that are recorded. */
  readonly unsigned: boolean;
  count: number;
  readonly from: number;
  to: number;
}

interface DecidedRequest {
  readonly dryRun: boolean;
  /** As which the platform asked, if the request named one. */
  readonly resource?: string | undefined;
}

/** Decisions of verify on their way into the audit log. */
export interface DecisionLog {
  /** Takes one. Never waits, never throws. */
  note(caller: Caller, request: DecidedRequest, verdict: DecidedVerdict, about: Decided | undefined): void;
  /** Writes all that waits, now. Rejects if the database did not answer: it waits on, then. */
  flush(): Promise<void>;
  /** Writes again and again. @returns stops that, after a last write */
  start(): () => Promise<void>;
}

/**
 * Makes the way of decisions into the audit log: behind the hot path, in batches, within bounded memory. If the bound is
 * reached, as with a database that is away or too slow, decisions are counted instead, and an event says how many are
 * missing, of which platform, and from when to when: a missing decision is itself on record.
 */
export function createDecisionLog(options: {
  readonly store: Pick<Store, "audit">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly randomness: Randomness;
  readonly recorded: RecordedDecisions;
  /** Counts writes that failed, and gaps that are on record. */
  readonly meter?: Pick<Meter, "auditFailed"> | undefined;
  /** Told of decisions that will be missing, and why. */
  readonly onGap: (count: number) => void;
  /** Told of a write that failed, once for an outage. */
  readonly onProblem: (error: unknown) => void;
}): DecisionLog {
  const { store, clock, randomness, recorded, meter = NO_METER } = options;
  let waiting: Waiting[] = [];
  const byPlatform = new Map<string, number>();
  const gaps = new Map<string, Gap>();
  const unsignedRate = createRateLimit({ clock, ...UNSIGNED });
  let stopped = false;

  function isWanted(allowed: boolean): boolean {
    if (recorded === "none") return false;
    if (recorded === "refused") return !allowed;
    return recorded === "all" || chance() < recorded;
  }

  function chance(): number {
    const [a = 0, b = 0, c = 0] = randomness.bytes(3);
    return (a * 65_536 + b * 256 + c) / 16_777_216;
  }

  function miss(platform: string, at: number, unsigned = false): void {
    const key = keyOf({ platform, unsigned });
    const gap = gaps.get(key);
    if (gap === undefined) gaps.set(key, { platform, unsigned, count: 1, from: at, to: at });
    else {
      gap.count += 1;
      gap.to = at;
    }
  }

  function eventOf(one: Waiting): AuditEvent {
    const { at, caller, platform, verdict, about, resource } = one;
    const { allowed, code } = verdict;
    const agents = about?.agents() ?? [];
    one.event ??= auditEvent(randomness, at, {
      action: allowed ? "verify.allowed" : "verify.refused",
      actor: actorOf(caller),
      platform,
      details: {
        ...(code !== undefined && { code }),
        ...(resource !== undefined && { resource }),
        ...(about && {
          token_id: about.tokenId,
          principal_id: about.principalId,
          revocation_id: about.link.text,
          agents: agents.slice(0, MOST_AGENTS),
          ...(agents.length > MOST_AGENTS && { more_agents: agents.length - MOST_AGENTS }),
        }),
      },
    });
    return one.event;
  }

  function eventsOf(due: readonly Gap[]): readonly AuditEvent[] {
    return due.map(({ platform, unsigned, count, from, to }) =>
      auditEvent(randomness, clock.now(), {
        action: "audit.gap",
        actor: { kind: "service" },
        platform,
        details: {
          missing: count,
          from: new Date(from).toISOString(),
          to: new Date(to).toISOString(),
          ...(unsigned && { unsigned: true }),
        },
      }),
    );
  }

  async function append(events: readonly AuditEvent[]): Promise<void> {
    try {
      await store.audit.append(events);
    } catch (error) {
      // A batch that was committed, though the answer was lost, stands there already: all of it, by the same ids.
      if (!isDuplicate(error)) throw error;
    }
  }

  let flushing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, TOGETHER);
      await append(batch.map(eventOf));
      waiting = waiting.slice(batch.length);
      for (const { platform } of batch) byPlatform.set(platform, (byPlatform.get(platform) ?? 1) - 1);
    }
    byPlatform.clear();
    const now = clock.now();
    const due = [...gaps.values()].filter(
      ({ unsigned, from }) => !unsigned || stopped || now - from >= COUNTED_FOR,
    );
    if (due.length === 0) return;
    // Decisions that are missed from now on are another gap, unless this one cannot be written.
    for (const gap of due) gaps.delete(keyOf(gap));
    try {
      await append(eventsOf(due));
    } catch (error) {
      for (const gap of due) {
        const since = gaps.get(keyOf(gap));
        gaps.set(keyOf(gap), { ...gap, count: gap.count + (since?.count ?? 0), to: since?.to ?? gap.to });
      }
      throw error;
    }
    const missing = due.reduce((sum, { unsigned, count }) => sum + (unsigned ? 0 : count), 0);
    if (missing === 0) return;
    meter.auditFailed();
    options.onGap(missing);
  }

  function flush(): Promise<void> {
    flushing ??= writeAll().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  return {
    note(caller, { dryRun, resource: named }, verdict, about) {
      if (dryRun || !isWanted(verdict.allowed)) return;
      const platform = caller.kind === "service" ? (caller.platform ?? "") : (about?.platform ?? "");
      const at = clock.now();
      if (!verdict.allowed && UNSIGNED_CODES.has(verdict.code) && !unsignedRate.take(platform)) {
        miss(platform, at, true);
        return;
      }
      const held = byPlatform.get(platform) ?? 0;
      if (waiting.length >= MOST_WAITING || held >= MOST_OF_ONE) {
        miss(platform, at);
        return;
      }
      byPlatform.set(platform, held + 1);
      const { allowed } = verdict;
      const code = verdict.allowed ? undefined : verdict.code;
      const resource = named ?? (caller.kind === "service" ? caller.resource : undefined);
      const one: Waiting = { at, caller, platform, verdict: { allowed, code }, about, resource };
      waiting.push(one);
      // If the request is recorded, its event is made here, so that the one leads to the other.
      const span = currentSpan();
      if (span !== undefined) span.audited(eventOf(one).id);
    },

    flush,

    start() {
      let timer: NodeJS.Timeout | undefined;
      let failing = false;

      async function round(): Promise<void> {
        try {
          if (waiting.length > 0 || gaps.size > 0) await flush();
          failing = false;
        } catch (error) {
          meter.auditFailed();
          if (!failing) options.onProblem(error);
          failing = true;
        }
        if (stopped) return;
        timer = setTimeout(() => void round(), failing ? PAUSE_AFTER_FAILURE : PAUSE).unref();
      }

      timer = setTimeout(() => void round(), PAUSE).unref();
      return async () => {
        stopped = true;
        clearTimeout(timer);
        let late: NodeJS.Timeout | undefined;
        const end = new Promise<void>((resolve) => {
          late = setTimeout(resolve, LAST_WRITES);
        });
        await Promise.race([flush().catch(options.onProblem), end]);
        clearTimeout(late);
      };
    },
  };
}

function keyOf({ platform, unsigned }: Pick<Gap, "platform" | "unsigned">): string {
  return `${unsigned}\n${platform}`;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && "sqlstate" in error && error.sqlstate === "23505";
}
