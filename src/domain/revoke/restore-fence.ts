import { fenceTree } from "../audit/tree.ts";
import { auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { HeldLog, NewRevocation } from "../ports/revocations.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { everythingUntilNow, lastMatchOf, revocationEvent } from "./append.ts";
import { requirePrimary } from "./move-log.ts";

/** The effects of a fence. */
export interface Fenced {
  readonly epoch: string;
  /** Everything that was issued before this is revoked, unix milliseconds. */
  readonly issuedBefore: number;
  readonly platforms: readonly string[];
}

/** The store to fence, and the chance for its new epoch. */
export interface FenceOptions {
  readonly store: Store;
  readonly randomness: Randomness;
}

const PAGE = 500;
const EPOCH_BYTES = 16;

async function platformNames(repositories: Repositories): Promise<readonly string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await repositories.platforms.list({ limit: PAGE, after });
    names.push(...items.map(({ name }) => name));
    after = next;
  } while (after !== undefined);
  return names;
}

/**
 * Makes a database that was restored, or promoted without being up to date, safe to serve from.
 *
 * Revocations since the backup are lost, and nobody knows any more which they were. So one transaction, with its audit
 * events, gives the log a new epoch, by which running replicas and readers notice, and revokes every token of every
 * platform, the service's own among them, that was issued before an instant.
 *
 * @param wanted the instant, unix milliseconds; undefined for every token issued until now
 */
export async function fenceRestored(options: FenceOptions, wanted: number | undefined): Promise<Fenced> {
  await requirePrimary(options.store);
  return options.store.transaction("restore fence", async (repositories) =>
    fenceHeld(options, repositories, await repositories.revocations.hold(), wanted),
  );
}

/**
 * Does the same by itself, once, for replicas that have found entries of an epoch to be missing.
 *
 * @returns undefined if the log has another epoch by now: another replica was first
 */
export async function fenceLost(options: FenceOptions, epoch: string): Promise<Fenced | undefined> {
  return options.store.transaction("restore fence", async (repositories) => {
    const held = await repositories.revocations.hold();
    return held.position.epoch === epoch ? fenceHeld(options, repositories, held, undefined) : undefined;
  });
}

async function fenceHeld(
  { randomness }: FenceOptions,
  repositories: Repositories,
  held: HeldLog,
  wanted: number | undefined,
): Promise<Fenced> {
  const actor = { kind: "service" } as const;
  const { now } = held;
  const issuedBefore = wanted ?? everythingUntilNow(held);
  if (issuedBefore > everythingUntilNow(held)) {
    throw new DomainError("invalid_request", "the instant lies in the future");
  }
  const epoch = Buffer.from(randomness.bytes(EPOCH_BYTES)).toString("hex");
  await repositories.revocations.beginEpoch(epoch);
  const platforms = await platformNames(repositories);
  const entries = platforms.map((platform): NewRevocation => {
    const target = { kind: "platform", platform, issuedBefore } as const;
    return {
      id: uuidv7(now, randomness),
      scope: { kind: "all" },
      target,
      reason: "the database was restored",
      author: "service",
      revokedAt: now,
      lastMatchAt: lastMatchOf(target, now),
    };
  });
  await repositories.revocations.append(
    entries,
    entries.map((entry) => revocationEvent(randomness, entry, actor)),
  );
  const details = { epoch, issued_before: issuedBefore, platforms: platforms.length };
  await repositories.audit.append([
    auditEvent(randomness, now, { action: "log.fenced", actor, platform: null, details }),
  ]);
  // Last: whoever grows the tree of the epoch before is waited for.
  await fenceTree(randomness, repositories, epoch, now);
  return { epoch, issuedBefore, platforms };
}
