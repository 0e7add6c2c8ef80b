import { createHash } from "node:crypto";

import postgres from "postgres";

import type { Decimal } from "../../src/caveats/values/decimal.ts";
import type { Store } from "../../src/domain/ports/store.ts";
import { workers } from "../revocation/hammer.ts";
import { question } from "../support/question.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import { narrow } from "../support/service-macaroons.ts";
import { type Contender, interleaved, type Series } from "./figures.ts";

/** Callers of the service, and connections of what it is compared with. */
const CALLERS = 64;
const COUNTERS = 10_000;
/** More than is ever counted here. */
const PLENTY = 1_000_000_000;

const COST: ReadonlyMap<string, Decimal> = new Map([
  ["EUR", { kind: "decimal", negative: false, integer: "", fraction: "01" }],
]);

/** A store that says how many charges went into one statement. */
function counting(store: Store) {
  const counted = { statements: 0, calls: 0 };
  const { budgets } = store;
  const charge: Store["budgets"]["charge"] = (platform, calls) => {
    counted.statements += 1;
    counted.calls += calls.length;
    return budgets.charge(platform, calls);
  };
  return { store: { ...store, budgets: { ...budgets, charge } }, counted };
}

/**
 * Budgeted verifies a second through the use case in this process, beside updates of the same server: of one row by 64
 * connections, each with a commit of its own; and of as many rows in a statement as the service charges in one, over the
 * one connection that a platform's charges have at a time.
 *
 * @param url of an empty database
 */
export async function measureCharges(
  url: string,
  { rounds, milliseconds }: { readonly rounds: number; readonly milliseconds: number },
): Promise<{ readonly series: readonly Series[]; readonly together: Readonly<Record<string, number>> }> {
  const fleet = newFleet();
  const { store, counted } = counting(await openServerStore(url));
  const replica = await startReplica({ store, fleet });
  const sql = postgres(url, { max: CALLERS, onnotice: () => {} });
  const one = postgres(url, { max: 1, onnotice: () => {} });
  const links = Array.from(
    { length: COUNTERS },
    (_, n) => `\\x${createHash("md5").update(String(n)).digest("hex")}`,
  );
  await sql`create table bench_row (link bytea primary key, used numeric not null) with (fillfactor = 60)`;
  await sql`create table bench_rows (link bytea primary key, used numeric not null) with (fillfactor = 60)`;
  await sql`insert into bench_row values (${links[0] ?? ""}::text::bytea, 0)`;
  await sql`insert into bench_rows select link, 0 from unnest(${links}::text[]::bytea[]) as link`;

  const root = (await replica.issue()).token;
  const hot = narrow(root, "agent = hot#1", `uses <= ${PLENTY}`);
  const four = narrow(
    root,
    "agent = four#1",
    `uses <= ${PLENTY}`,
    `spend.EUR <= ${PLENTY}`,
    `rate <= ${PLENTY}/h`,
    `uses <= ${PLENTY}`,
  );
  const parent = narrow(root, "agent = many#1");
  const many = Array.from({ length: COUNTERS }, (_, n) =>
    narrow(parent, `agent = a#${n}`, `uses <= ${PLENTY}`),
  );

  async function rate(callers: number, work: (turn: number) => Promise<number>): Promise<number> {
    let [turn, done] = [0, 0];
    const begun = performance.now();
    await workers(callers, async () => {
      while (performance.now() - begun < milliseconds) {
        const more = await work(turn++);
        done += more; // not in one: the sum would be read before the wait, and what others add meanwhile lost
      }
    });
    return (done * 1_000) / (performance.now() - begun);
  }

  /** Charges in one statement, at the median of a contender's rounds. */
  const together: Record<string, number> = {};
  const service = (name: string, token: (turn: number) => string): Contender => ({
    name,
    async run() {
      counted.statements = 0;
      counted.calls = 0;
      const { decisions } = replica.composed.service;
      const perSecond = await rate(CALLERS, async (turn) => {
        const verdict = await decisions.decide(
          platformCaller("default"),
          question(token(turn), { cost: COST }),
        );
        if (!verdict.allowed) throw new Error(`a budget that has room refused: ${verdict.code}`);
        return 1;
      });
      together[name] = Math.max(1, Math.round(counted.calls / counted.statements));
      return perSecond;
    },
  });
  const MANY = "budgeted verify, 10,000 counters";
  const contenders: readonly Contender[] = [
    service("budgeted verify, one counter", () => hot),
    {
      name: "64 connections that update one row",
      run: () =>
        rate(CALLERS, async () => {
          const { count } = await sql`
            update bench_row set used = used + 1 where link = ${links[0] ?? ""}::text::bytea and used + 1 <= ${PLENTY}`;
          return count;
        }),
    },
    service(MANY, (turn) => many[(turn * 7_919) % COUNTERS] ?? ""),
    {
      name: "multi-row updates of 10,000 rows",
      run: () =>
        rate(1, async (turn) => {
          const size = together[MANY] ?? 1;
          const chosen = Array.from(
            { length: size },
            (_, n) => links[((turn * size + n) * 7_919) % COUNTERS] ?? "",
          );
          const { count } = await one`
            update bench_rows as b set used = b.used + 1 from unnest(${chosen}::text[]::bytea[]) as n (link)
            where b.link = n.link and b.used + 1 <= ${PLENTY}`;
          return count;
        }),
    },
    service("budgeted verify, four budgets", () => four),
  ];
  try {
    // Rows that are updated are compared, so each counter is there already.
    let next = 0;
    await workers(CALLERS, async () => {
      for (let token = many[next++]; token !== undefined; token = many[next++]) {
        await replica.composed.service.decisions.decide(platformCaller("default"), question(token));
      }
    });
    for (const { run } of contenders) await run(0); // it only warms up
    const series = await interleaved("calls/s", rounds, contenders);
    return { series, together: { ...together } };
  } finally {
    await one.end();
    await sql.end();
    await replica.stop();
    fleet.remove();
  }
}
