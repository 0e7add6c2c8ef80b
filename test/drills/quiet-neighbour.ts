import { setTimeout as pause } from "node:timers/promises";

import { median } from "../bench/figures.ts";
import { workers } from "../revocation/hammer.ts";
import { question } from "../support/question.ts";
import {
  type InProcessReplica,
  newFleet,
  openServerStore,
  person,
  platformCaller,
  startReplica,
} from "../support/replica.ts";
import { narrow } from "../support/service-macaroons.ts";

/** Budgeted verifies a second of a platform, whatever another one does beside it; medians of the rounds. */
export interface Neighbours {
  /** As many as 16 callers get answered. */
  readonly alone: number;
  /** Half as many, asked at fixed times: nobody beside it, and beside 64 callers with one token. */
  readonly paced: number;
  readonly pacedBesideHot: number;
  /** As many as 16 callers get answered beside 64 of another platform's, each with a token of its own or all with one. */
  readonly besideEven: number;
  readonly besideHot: number;
}

const CALLERS = 16;
const OTHERS = 64;

/** Measures them on two replicas over one database, in this process. @param url of a database that has a schema */
export async function measureNeighbours(
  url: string,
  { rounds, milliseconds }: { readonly rounds: number; readonly milliseconds: number },
): Promise<Neighbours> {
  const fleet = newFleet();
  const replicas: InProcessReplica[] = [];
  for (let n = 0; n < 2; n++) replicas.push(await startReplica({ store: await openServerStore(url), fleet }));
  const service = (n: number) => {
    const found = replicas[n % 2]?.composed.service;
    if (found === undefined) throw new Error("no replica");
    return found;
  };
  const rule = { issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 3_600, onBehalfOf: false };
  await service(0).platforms.create(person("root", true), "quiet", { rules: [rule] });
  /** As many tokens, each with a counter of its own that nobody exhausts. */
  async function tokens(platform: string, count: number): Promise<readonly string[]> {
    const root = (await replicas[0]?.issue("alice", platform))?.token ?? "";
    return Array.from({ length: count }, (_, n) => narrow(root, `agent = a#${n}`, "uses <= 1000000000"));
  }
  const quiet = await tokens("quiet", CALLERS);
  const even = await tokens("default", OTHERS);

  let call = 0;
  async function ask(platform: string, token: string | undefined): Promise<void> {
    const verdict = await service(call++).decisions.decide(platformCaller(platform), question(token ?? ""));
    if (!verdict.allowed) throw new Error(`a budget that has room refused: ${verdict.code}`);
  }

  /** Answers a second to the quiet platform's callers, while others ask, too. @param rate at fixed times */
  async function measure(others: readonly string[], rate?: number): Promise<number> {
    const until = performance.now() + milliseconds;
    const isOver = () => performance.now() >= until;
    const beside = workers(others.length, async (n) => {
      while (!isOver()) await ask("default", others[n]);
    });
    let [answered, due] = [0, 0];
    const begun = performance.now();
    await workers(CALLERS, async (n) => {
      while (!isOver()) {
        if (rate !== undefined) {
          const at = begun + (due++ * 1_000) / rate;
          if (at > performance.now()) await pause(at - performance.now());
        }
        await ask("quiet", quiet[n]);
        if (!isOver()) answered += 1;
      }
    });
    await beside;
    return (answered * 1_000) / milliseconds;
  }

  try {
    const found = { alone: [], paced: [], pacedBesideHot: [], besideEven: [], besideHot: [] } as Record<
      keyof Neighbours,
      number[]
    >;
    const hot = even.map(() => even[0] ?? "");
    for (let round = 0; round <= rounds; round++) {
      const alone = await measure([]);
      const all = {
        alone,
        paced: await measure([], alone / 2),
        pacedBesideHot: await measure(hot, alone / 2),
        besideEven: await measure(even),
        besideHot: await measure(hot),
      };
      if (round === 0) continue; // it only warms up
      for (const [name, value] of Object.entries(all)) found[name as keyof Neighbours].push(value);
    }
    return {
      alone: median(found.alone),
      paced: median(found.paced),
      pacedBesideHot: median(found.pacedBesideHot),
      besideEven: median(found.besideEven),
      besideHot: median(found.besideHot),
    };
  } finally {
    for (const replica of replicas) await replica.stop();
    fleet.remove();
  }
}
