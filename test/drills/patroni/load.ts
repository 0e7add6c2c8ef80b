import { setTimeout as sleep } from "node:timers/promises";

import { BOUND, type Fleet, type Replica } from "../failover/fleet.ts";

/** Milliseconds that a question takes on a busy machine, between the moment that it is reckoned from and its answer. */
const SLACK = 2_000;

/** What goes on while leaders are killed: tokens are issued, verified and revoked, on every replica in turn. */
export interface Load {
  /** Tokens whose revocation was acknowledged. */
  readonly dead: readonly string[];
  /** Tokens that were issued and that nobody asked to revoke. */
  readonly good: readonly string[];
  /** Verifications of revoked tokens that were allowed. */
  readonly wrong: () => number;
  /** Revocations that were not acknowledged: what became of them is open. */
  readonly open: () => number;
  stop(): Promise<void>;
}

/** Begins the load. */
export function startLoad(fleet: Fleet, replicas: readonly Replica[]): Load {
  const acknowledged: { readonly token: string; readonly at: number }[] = [];
  const good: string[] = [];
  let wrong = 0;
  let open = 0;
  let stopped = false;

  async function turn(at: Replica, n: number): Promise<void> {
    const [token] = await fleet.issue(at, 1);
    if (token === undefined) return;
    if (n % 4 === 0) {
      good.push(token);
      return;
    }
    const { sequence } = await fleet.revoke(at, token);
    if (sequence === undefined) {
      open += 1;
      return;
    }
    acknowledged.push({ token, at: performance.now() });
    // At once on the replica that answered; on the others with its sequence, for which they wait or refuse.
    wrong += (await fleet.ask(at, [token])).allowed;
    for (const other of replicas) wrong += (await fleet.ask(other, [token], sequence)).allowed;
    // And any earlier one without it, once the bound has passed.
    const old = acknowledged[Math.floor(Math.random() * acknowledged.length)];
    if (old !== undefined && performance.now() - old.at > BOUND + SLACK)
      for (const other of replicas) wrong += (await fleet.ask(other, [old.token])).allowed;
  }

  const lanes = replicas.map(async (at) => {
    for (let n = 0; !stopped; n += 1) {
      await turn(at, n).catch(() => sleep(100)); // not issued: there is no leader now
      await sleep(20);
    }
  });
  return {
    get dead() {
      return acknowledged.map(({ token }) => token);
    },
    good,
    wrong: () => wrong,
    open: () => open,
    async stop() {
      stopped = true;
      await Promise.all(lanes);
    },
  };
}
