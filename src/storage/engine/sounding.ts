import type { Connect, Connection } from "./connection.ts";
import { failure } from "./guard.ts";
import type { Pool } from "./pool.ts";

/** A connection to sound a database over, and the way to give it back. */
export interface Lead {
  readonly connection: Connection;
  /** @param isGood whether it was answered, and can be used again */
  giveBack(isGood: boolean): void;
}

/**
 * Asks a database the least there is to ask, over every lead that there is: those connections that callers have may wait for
 * locks. Resolves once the database said anything over one of them, a refusal of the statement included.
 *
 * An idle connection is a lead, because a pooler may have no session left for a login, and a login is one, because a firewall may
 * have forgotten what was idle. Without any lead there is nothing to judge by.
 *
 * @param signal ends it, and the connections that were not answered
 */
export async function soundOver(leads: readonly Promise<Lead>[], signal: AbortSignal): Promise<void> {
  if (leads.length > 0) await Promise.any(leads.map((lead) => follow(lead, signal)));
}

async function follow(lead: Promise<Lead>, signal: AbortSignal): Promise<void> {
  const { connection, giveBack } = await lead;
  const end = () => giveBack(false);
  if (signal.aborted) return end();
  signal.addEventListener("abort", end, { once: true });
  let isGood = false;
  try {
    await connection.query("select 1", []);
    isGood = true;
  } catch (thrown) {
    const { error, sqlstate } = failure("sounding", thrown);
    if (sqlstate === undefined) throw error;
    isGood = true;
  } finally {
    signal.removeEventListener("abort", end);
    if (!signal.aborted) giveBack(isGood);
  }
}

/** The leads that there are: an idle connection of a pool, and a login. */
export function leadsOf(
  pool: Pick<Pool, "takeIdle" | "isLimited" | "release" | "discard">,
  connect: Connect,
): readonly Promise<Lead>[] {
  const all: Promise<Lead>[] = [];
  const connection = pool.takeIdle();
  if (connection !== undefined) {
    const giveBack = (isGood: boolean) =>
      isGood ? pool.release(connection) : void pool.discard(connection, true);
    all.push(Promise.resolve({ connection, giveBack }));
  }
  // A login that there is no room for says nothing of the connections that there are.
  if (pool.isLimited()) return all;
  const login = connect().then((connection) => ({
    connection,
    giveBack: (isGood: boolean) => void (isGood ? connection.close() : connection.abandon(true)),
  }));
  return [...all, login];
}
