import { setImmediate } from "node:timers/promises";

import { parseJson } from "../../src/json/parse.ts";
import type { JsonValue } from "../../src/json/value.ts";
import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { question } from "../support/question.ts";
import {
  type Fleet,
  type InProcessReplica,
  newFleet,
  openServerStore,
  platformCaller,
  startReplica,
} from "../support/replica.ts";
import { newDatabase } from "./database.ts";
import { CONTEXT, macaroonOf, NINE } from "./tokens.ts";

/** A token, and the platform that is shown it. */
export interface Shown {
  readonly token: string;
  readonly platform: string;
}

/** What one verify takes, microseconds of this process. */
export interface Cost {
  readonly fresh: number;
  readonly seen: number;
}

/** A replica in this process, on a database of its own. */
export interface Bench {
  readonly replica: InProcessReplica;
  readonly databaseUrl: string;
  readonly fleet: Fleet;
  stop(): Promise<void>;
}

const ROUNDS = 7;
const TOKENS = 1_000;
/** Between two turns of the event loop, or no timer fires and the replica cannot follow the log. */
const AT_ONCE = 50;

const context: JsonValue = parseJson(JSON.stringify(CONTEXT));

/** Opens one. */
export async function newBench(): Promise<Bench> {
  const databaseUrl = await newDatabase();
  const fleet = newFleet();
  const replica = await startReplica({ store: await openServerStore(databaseUrl), fleet });
  return {
    replica,
    databaseUrl,
    fleet,
    async stop() {
      await replica.stop();
      fleet.remove();
    },
  };
}

/** Ten caveats below each token, never twice the same. */
export function narrowed(
  roots: readonly Shown[],
  count: number,
  caveats: readonly string[] = NINE,
): readonly Shown[] {
  const macaroons = roots.map(({ token, platform }) => ({ macaroon: macaroonOf(token), platform }));
  return Array.from({ length: count }, (_, index) => {
    const { macaroon, platform } = macaroons[index % macaroons.length] ?? { platform: "" };
    if (macaroon === undefined) throw new Error("there is no token to narrow");
    // The first caveat differs, so that no link of one is a link of another.
    const instance = `agent = bench#${(unique++).toString(36).padStart(10, "0")}`;
    return { token: encodeBundle([attenuate(macaroon, [instance, ...caveats.slice(1)])]), platform };
  });
}

let unique = 0;

/** Microseconds a verify, of all that is shown. */
async function round({ composed }: InProcessReplica, all: readonly Shown[], brief: boolean): Promise<number> {
  if (!(context instanceof Map)) throw new Error("the context is no object");
  let spent = 0;
  for (let from = 0; from < all.length; from += AT_ONCE) {
    const begun = performance.now();
    for (const { token, platform } of all.slice(from, from + AT_ONCE)) {
      const request = question(token, { context, brief });
      const verdict = await composed.service.decisions.decide(platformCaller(platform), request);
      if (!verdict.allowed) throw new Error(`a good token was refused: ${verdict.code}`);
    }
    spent += performance.now() - begun;
    await setImmediate();
  }
  return (spent * 1000) / all.length;
}

/** Makes tokens that nobody has seen. */
export type Fresh = (count: number) => readonly Shown[];

/**
 * What verifying tokens of several kinds costs, in turn: the best of several rounds, since on a shared machine the
 * others tell of its other work.
 *
 * @param brief whether the decision alone is asked for
 */
export async function costsOf(
  replica: InProcessReplica,
  kinds: readonly Fresh[],
  brief = false,
): Promise<readonly Cost[]> {
  const all = kinds.map((fresh) => {
    const [kept] = fresh(1);
    if (kept === undefined) throw new Error("there is nothing to show");
    return { fresh, same: Array.from({ length: TOKENS }, () => kept) };
  });
  const best = all.map(() => ({ fresh: Number.POSITIVE_INFINITY, seen: Number.POSITIVE_INFINITY }));
  for (let count = 0; count <= ROUNDS; count++) {
    for (const [index, { fresh, same }] of all.entries()) {
      const cost = {
        fresh: await round(replica, fresh(TOKENS), brief),
        seen: await round(replica, same, brief),
      };
      const before = best[index];
      if (count === 0 || before === undefined) continue; // it only warms up
      before.fresh = Math.min(before.fresh, cost.fresh);
      before.seen = Math.min(before.seen, cost.seen);
    }
  }
  return best;
}

/** As {@link costsOf}, of one kind. */
export async function costOf(replica: InProcessReplica, fresh: Fresh): Promise<Cost> {
  const [cost] = await costsOf(replica, [fresh]);
  if (cost === undefined) throw new Error("nothing was measured");
  return cost;
}
