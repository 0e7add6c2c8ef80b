import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Store } from "../../../src/domain/ports/store.ts";
import { openStore } from "../../../src/storage/open.ts";
import { debianBinaries, type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { raw } from "../raw.ts";
import { CALLS } from "./calls.ts";
import { fill } from "./fill.ts";
import { type Plan, readPlans } from "./plan.ts";

// `BAKEHOUSE_TEST_PLAN_ROWS=300000` fills it as a large installation does.
const ROWS = Number(process.env["BAKEHOUSE_TEST_PLAN_ROWS"] ?? 30_000);

/** Ten times less than what Postgres compiles from, by its default. */
const HIGHEST_COST = 10_000;
/** More than any page or batch needs but those named. A table of the fill has more. */
const MOST_ROWS = 5_500;
/** What is read in larger pieces on purpose: a replica that starts reads the log so. */
const LARGE: Readonly<Record<string, number>> = { "revocations.load": 50_500 };

/** Often enough that the server may have settled on one plan for all parameters. */
const REPETITIONS = 7;

const SETTINGS = {
  session_preload_libraries: "auto_explain",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_nested_statements": "on",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_timing": "off",
  "auto_explain.log_format": "json",
  log_line_prefix: "",
};

const stock = debianBinaries();

// The distribution's own compiles what costs much; npm's binaries can't.
describe(`plans on a full database (${stock === undefined ? "npm's Postgres: no other is installed" : "the distribution's Postgres"})`, () => {
  let server: PostgresServer;
  let store: Store;
  let large: ReadonlySet<string>;
  beforeAll(async () => {
    server = await startPostgres({
      fsync: false,
      settings: SETTINGS,
      ...(stock === undefined ? {} : { binaries: stock }),
    });
    const place = { kind: "server", url: server.url } as const;
    const migrating = await openStore({ place, deadline: 60_000 });
    await migrating.close();
    const quiet = new URL(server.url);
    // Nobody reads the plans of the fill, and writing them takes longer than it does.
    quiet.searchParams.set("auto_explain.log_min_duration", "-1");
    await fill(quiet.href, ROWS);
    const rows = await raw(
      server.url,
      "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples > 5000",
    );
    large = new Set(rows.map(({ relname }) => String(relname)));
    store = await openStore({
      place,
      migrate: false,
      connections: 1,
      deadline: 60_000,
      transactionDeadline: 90_000,
    });
  }, 240_000);
  afterAll(async () => {
    await store?.close();
    await server?.stop();
  });

  async function plansOf(work: () => Promise<unknown>): Promise<readonly Plan[]> {
    const log = join(dirname(server.dataDir), "log");
    const before = statSync(log).size;
    for (let n = 1; n <= REPETITIONS; n += 1) await work();
    return readPlans(readFileSync(log).subarray(before).toString("utf8"));
  }

  /** What is wrong with a plan, in words. */
  function faults({ statement, cost, nodes, compiled }: Plan, most: number): readonly string[] {
    const found = [
      ...(cost > HIGHEST_COST ? [`costs ${cost}`] : []),
      ...(compiled ? ["is compiled"] : []),
      ...nodes
        .filter(({ relation, touched }) => relation !== undefined && large.has(relation) && touched > most)
        .map(({ type, relation, touched }) => `${type} looks at ${touched} rows of ${relation}`),
      ...nodes
        .filter(({ type, relation }) => type === "Seq Scan" && relation !== undefined && large.has(relation))
        .map(({ relation }) => `reads ${relation} from end to end`),
    ];
    return found.map((fault) => `${fault}: ${statement.replaceAll(/\s+/g, " ").trim().slice(0, 160)}`);
  }

  test("the fill is large enough to show it", () => {
    expect([...large].sort()).toEqual([
      expect.stringMatching(/^audit_events_\d{4}_\d{2}$/),
      "audit_leaves",
      "audit_tiles",
      "budget_charges",
      "budgets",
      "discharge_decisions",
      "discharge_requests",
      "idempotency",
      "line_tokens",
      "live_discharges",
      expect.stringMatching(/^observed_links_\d{4}_\d{2}$/),
      "people",
      "principals",
      "proofs",
      "reservations",
      "revocation_hashes",
      "revocations",
      "sessions",
      "token_lines",
      expect.stringMatching(/^tokens_\d{4}_\d{2}$/),
      "used_assertions",
      "webhook_outbox",
    ]);
  });

  const cases = Object.entries(CALLS).flatMap(([repository, methods]) =>
    Object.entries(methods).map(([method, calls]) => ({ operation: `${repository}.${method}`, calls })),
  );
  test.each(cases)("$operation", async ({ operation, calls }) => {
    for (const call of calls) {
      let n = 0;
      const plans = await plansOf(() => call(store, n++));
      expect(plans.length).toBeGreaterThan(0);
      expect([...new Set(plans.flatMap((plan) => faults(plan, LARGE[operation] ?? MOST_ROWS)))]).toEqual([]);
    }
  });

  test("partitions are made and dropped", async () => {
    const plans = await plansOf(() => store.maintainPartitions(Date.now() - 400 * 86_400_000));
    expect(plans.flatMap((plan) => faults(plan, MOST_ROWS))).toEqual([]);
  });

  test("no function switches a kind of plan off: it would only make the others' costs look absurd", async () => {
    const rows = await raw(
      server.url,
      "select proname from pg_proc where pronamespace = 'public'::regnamespace and array_to_string(proconfig, ' ') like '%enable\\_%'",
    );
    expect(rows).toEqual([]);
  });

  test("a statement that reads all of a table is found", async () => {
    const plans = await plansOf(async () => {
      await raw(server.url, "select count(reason) from revocations");
      await raw(server.url, "set enable_seqscan = off; select count(reason) from revocations");
    });
    expect(plans.flatMap((plan) => faults(plan, MOST_ROWS)).length).toBeGreaterThanOrEqual(REPETITIONS);
  });
});
