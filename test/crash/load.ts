import { setTimeout as pause } from "node:timers/promises";

import { hand } from "../demo/house.ts";
import { newLedger } from "./ledger.ts";
import type { Live, Place } from "./place.ts";
import { drillBody, PAST_THE_LEASE } from "./steps.ts";
import { disagreements } from "./tables.ts";

const WORKERS = 4;

/** What a round has acknowledged at least before the kill, however busy the machine is. */
const LEAST = 20;

/** Most milliseconds from then to the kill. */
const MOST_WAIT = 1_000;

type Revoked = "yes" | "no" | "unknown";

/**
 * Kills the service at random moments while it issues and revokes, and after each restart asks for
 * everything that was ever acknowledged.
 *
 * @param random numbers from 0 to 1, which decide over the moments
 * @throws Error with what does not hold
 * @returns how many acknowledgements stood to the end
 */
export async function drillLoad(
  place: Place,
  rounds: number,
  random: () => number,
  told: (line: string) => void = () => {},
): Promise<number> {
  const ledger = newLedger();
  const pending = new Map<string, { readonly round: number }>();
  let live = await place.start();

  async function issue({ api, platform }: Live, name: string): Promise<string> {
    const body = drillBody(name);
    const answer = await api.issue(platform, body, name);
    pending.delete(name);
    ledger.keep({ key: name, body, answer });
    return answer.token;
  }

  async function revokeLink({ api }: Live, what: string, token: string): Promise<void> {
    const link = hand(token, "worker", "action = read");
    let state: Revoked = "no";
    ledger.add({ what: `${what}, its link`, token: link, revoked: () => state });
    state = "unknown";
    const { sequence } = await api.revoke(undefined, { token: link });
    state = "yes";
    ledger.reached(sequence);
  }

  async function work(at: Live, round: number, worker: number): Promise<void> {
    for (let count = 0; ; count++) {
      const name = `round ${round}, worker ${worker}, request ${count}`;
      pending.set(name, { round });
      try {
        const token = await issue(at, name);
        ledger.add({ what: name, token, revoked: () => "no" });
        if (count % 2 === 0) await revokeLink(at, name, token);
      } catch (error) {
        // The connection broke, as it was meant to. Anything that was answered is a fault of the service.
        if (error instanceof TypeError) return;
        throw error;
      }
    }
  }

  /** Repeats what was cut off: each request makes one token, whether it was committed or not. */
  async function finishPending(): Promise<void> {
    if (pending.size === 0) return;
    await live.shift(PAST_THE_LEASE);
    for (const name of [...pending.keys()]) {
      const token = await issue(live, name);
      ledger.add({ what: name, token, revoked: () => "no" });
    }
  }

  for (let round = 1; round <= rounds; round++) {
    const workers = Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(live, round, worker)));
    const least = ledger.size + LEAST;
    let failed = false;
    workers.catch(() => {
      failed = true;
    });
    const loaded = async () => {
      while (ledger.size < least && !failed) await pause(10);
      await pause(random() * MOST_WAIT);
    };
    await Promise.race([loaded(), workers]);
    await live.service.end("SIGKILL");
    await workers;
    const cut = pending.size;
    if (place.canLookInside) requireAgreement(disagreements(await place.tables()));
    live = await place.start();
    requireAgreement(await ledger.broken(live));
    await finishPending();
    told(`round ${round}: ${ledger.size} acknowledgements stand, ${cut} requests were cut off`);
  }
  await live.service.end("SIGTERM");
  requireAgreement(disagreements(await place.tables()));
  return ledger.size;
}

function requireAgreement(wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(wrong.slice(0, 20).join("; "));
}
