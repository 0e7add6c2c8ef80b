import { auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { parseSequence } from "../parts/sequence.ts";
import type { ServerIdentity } from "../ports/log-server.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { HeldLog, LogPosition } from "../ports/revocations.ts";
import type { Repositories, Store } from "../ports/store.ts";

interface MoveOptions {
  readonly store: Store;
  readonly randomness: Randomness;
}

/** Rejects with `unavailable` on a standby: nothing can be written there. */
export async function requirePrimary(store: Pick<Store, "revocations">): Promise<void> {
  const { server } = await store.revocations.state(0);
  if (server.inRecovery)
    throw new DomainError(
      "unavailable",
      "the database is a standby in recovery: promote it, or name the primary",
    );
}

/**
 * Takes the server for that of the log, because it holds all that was ever acknowledged: the operator names the greatest
 * sequence that any client was given, and it is there. The epoch stays, and with it every token.
 *
 * @param sequence as an answer of the service gave it
 */
export async function takeWhole(options: MoveOptions, sequence: string): Promise<LogPosition> {
  const named = parseSequence(sequence);
  if (named === undefined)
    throw new DomainError("invalid_request", "SEQUENCE is not a sequence of this service");
  if (named.hash === undefined) {
    throw new DomainError(
      "invalid_request",
      "SEQUENCE was given by version 0.1.0, and tells too little to show that nothing is missing",
    );
  }
  await requirePrimary(options.store);
  return options.store.transaction("take over log", async (repositories) => {
    const held = await repositories.revocations.hold();
    await requireEntry(repositories, held, named);
    await recordMove(options, repositories, held, "operator");
    await repositories.revocations.takeOver();
    return held.position;
  });
}

async function requireEntry(
  { revocations }: Repositories,
  { position, server }: HeldLog,
  named: LogPosition,
): Promise<void> {
  const missing = (why: string) => {
    throw new DomainError("invalid_request", `${why}: run \`bakehouse restore-fence\` without --whole`);
  };
  if (named.epoch !== position.epoch) missing("SEQUENCE belongs to another epoch of the log");
  if (server.disputed !== null) missing(`the log lacks entry ${server.disputed}, which a replica has read`);
  if (named.number > position.number) missing(`the log ends at ${position.number}, before SEQUENCE`);
  const { hashAt } = await revocations.state(named.number);
  if (named.number > 0 && hashAt !== named.hash)
    missing("SEQUENCE is not of this log, or older than what is kept");
}

/**
 * Takes a promoted synchronous standby for the log's server.
 *
 * @param epoch the log's, as the caller has read it; nothing is done if it has another one by now, or the server was taken
 */
export async function adoptPromoted(options: MoveOptions, epoch: string): Promise<void> {
  await options.store
    .transaction("adopt log", async (repositories) => {
      const held = await repositories.revocations.hold();
      await recordMove(options, repositories, held, "synchronous failover");
      // Last: a transaction that adopts waits for no standby when it commits, because there may be none yet.
      if (!(await repositories.revocations.adopt(epoch))) throw new NotAdopted();
    })
    .catch((error: unknown) => {
      if (!(error instanceof NotAdopted)) throw error;
    });
}

/** Undoes the transaction. */
class NotAdopted extends Error {}

async function recordMove(
  { randomness }: MoveOptions,
  repositories: Repositories,
  { now, position, server }: HeldLog,
  by: string,
): Promise<void> {
  const actor = { kind: "service" } as const;
  const details = {
    epoch: position.epoch,
    number: position.number,
    from: textOf(server.home),
    to: textOf(server.here),
    by,
  };
  await repositories.audit.append([
    auditEvent(randomness, now, { action: "log.moved", actor, platform: null, details }),
  ]);
}

function textOf({ systemIdentifier, database, timeline }: ServerIdentity): string {
  return `${systemIdentifier ?? "?"}/${database ?? "?"}/${timeline ?? "?"}`;
}
