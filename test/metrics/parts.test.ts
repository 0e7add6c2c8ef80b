import { randomBytes } from "node:crypto";
import { request } from "node:http";

import { afterEach, describe, expect, test, vi } from "vitest";

import { createCollector, type Measured } from "../../src/run/metrics/collector.ts";
import { FAMILIES } from "../../src/run/metrics/families.ts";
import { watchLag } from "../../src/run/metrics/lag.ts";
import { write } from "../../src/run/metrics/library.ts";
import { listenForScrapes, type MetricsListener } from "../../src/run/metrics/listener.ts";
import { type Reported, reported, single } from "../../src/run/metrics/samples.ts";
import { createScraping, formFor } from "../../src/run/metrics/scrape.ts";
import { createTally } from "../../src/run/metrics/tally.ts";
import { createTogether } from "../../src/run/metrics/together.ts";
import { explainFailure } from "../../src/run/start-failure.ts";
import { numberOf, readExposition } from "./exposition.ts";

afterEach(() => {
  vi.useRealTimers();
});

const scraped = async (...all: readonly (readonly Reported[])[]) =>
  readExposition((await write(all, "text")).text);

describe("labels are bounded", () => {
  test("under 10,000 random routes, methods, codes and statements", async () => {
    const tally = createTally();
    const random = () => randomBytes(9).toString("base64url");
    for (let at = 0; at < 10_000; at++) {
      tally.answered(random(), random(), 200 + (at % 5) * 100, 1);
      tally.queried(random(), 1);
    }
    const families = await scraped(tally.report());
    const labels = (name: string, label: string) =>
      new Set(families.get(name)?.samples.map((one) => one.labels[label]));
    const requests = "bakehouse_http_requests_total";
    expect(labels(requests, "route").size).toBeLessThanOrEqual(301);
    expect(labels(requests, "method")).toEqual(new Set(["other"]));
    expect(labels("bakehouse_db_query_duration_seconds", "statement").size).toBeLessThanOrEqual(501);
    const all = families.get(requests)?.samples.reduce((sum, { value }) => sum + value, 0);
    expect(all).toBe(10_000);
  });

  test("of 10,000 platforms the 1,000 with the oldest keys are told of", async () => {
    const since = new Map(Array.from({ length: 10_000 }, (_, at) => [`p${at}`, at]));
    const { collector } = collecting({ rootKeys: { signingSince: () => since } });
    const families = await scraped(await collector.collect());
    const platforms = families.get("bakehouse_root_key_age_seconds")?.samples ?? [];
    expect(platforms).toHaveLength(1_000);
    expect(platforms.every(({ labels }) => Number(labels["platform"]?.slice(1)) < 1_000)).toBe(true);
  });
});

test("a duration that is less than none, or none at all, counts as none", async () => {
  const tally = createTally();
  for (const time of [-5, Number.NaN, 0.04]) tally.verified("allowed", "none", time);
  const families = await scraped(tally.report());
  const name = "bakehouse_verify_duration_seconds";
  expect(numberOf(families, name, { le: "0.00005" }, `${name}_bucket`)).toBe(3);
  expect(numberOf(families, name, {}, `${name}_sum`)).toBeCloseTo(0.00004, 9);
});

/** A collector of a service that can be asked, unless said otherwise. */
function collecting(more: Partial<Measured> = {}) {
  let asked = 0;
  let now = 1_000_000;
  const measured: Measured = {
    knowledge: { age: () => 2_500, position: () => ({ number: 7 }), size: 3 },
    rootKeys: { signingSince: () => new Map() },
    load: () => ({ inUse: 1, waiting: 2, isOpen: true }),
    async approvalsPending() {
      asked += 1;
      return 4;
    },
    unintegrated: async () => 5,
    ...more,
  };
  const clock = { now: () => now, monotonic: () => now };
  const lag = { longest: () => 0, stop: () => {} };
  return {
    collector: createCollector(measured, { tally: createTally(), lag, clock }),
    asked: () => asked,
    pass(milliseconds: number) {
      now += milliseconds;
    },
  };
}

describe("a collection", () => {
  test("is shared for a second, and asks the database every ten", async () => {
    const { collector, asked, pass } = collecting();
    const [one, same] = await Promise.all([collector.collect(), collector.collect()]);
    expect(same).toBe(one);
    pass(1_000);
    expect(await collector.collect()).not.toBe(one);
    expect(asked()).toBe(1);
    pass(9_000);
    await collector.collect();
    expect(asked()).toBe(2);
  });

  test("without a database has all that is known, soon, and what was known for a minute", async () => {
    let dead = false;
    const silent = () => new Promise<number>(() => {});
    const { collector, pass } = collecting({
      approvalsPending: () => (dead ? silent() : Promise.resolve(4)),
      unintegrated: () => (dead ? Promise.reject(new Error("away")) : Promise.resolve(5)),
    });
    const pending = async () =>
      numberOf(await scraped(await collector.collect()), "bakehouse_approvals_pending");
    expect(await pending()).toBe(4);
    dead = true;
    pass(20_000);
    const begun = performance.now();
    const families = await scraped(await collector.collect());
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(numberOf(families, "bakehouse_approvals_pending")).toBe(4);
    expect(numberOf(families, "bakehouse_audit_unintegrated")).toBe(5);
    expect(numberOf(families, "bakehouse_revocation_staleness_seconds")).toBe(2.5);
    expect(numberOf(families, "bakehouse_db_circuit_open")).toBe(1);
    pass(60_000);
    const later = await scraped(await collector.collect());
    expect(later.get("bakehouse_approvals_pending")?.samples).toEqual([]);
  });
});

describe("the numbers of workers", () => {
  const counter = (value: number) => single(FAMILIES.cacheHits, value);
  const staleness = (value: number) => single(FAMILIES.staleness, value);
  const sequence = (value: number) => single(FAMILIES.sequence, value);

  /** Workers that answer with what stands for them; undefined for one that hangs. */
  function fleet(numbers: Map<string, readonly Reported[] | undefined>) {
    const together = createTogether<string>(
      () => numbers.keys(),
      (worker) => {
        const own = numbers.get(worker);
        if (own !== undefined) queueMicrotask(() => together.note(worker, [...own]));
      },
    );
    return { together, hits: async () => scraped(...(await together.collect())) };
  }

  test("are added up, of staleness the worst and of the sequence the lowest", async () => {
    const { hits } = fleet(
      new Map([
        ["a", [counter(3), staleness(0.5), sequence(8)]],
        ["b", [counter(4), staleness(2), sequence(9)]],
      ]),
    );
    const families = await hits();
    expect(numberOf(families, "bakehouse_verified_cache_hits_total")).toBe(7);
    expect(numberOf(families, "bakehouse_revocation_staleness_seconds")).toBe(2);
    expect(numberOf(families, "bakehouse_revocation_sequence")).toBe(8);
  });

  test("never go down: one crashes, one is replaced, one hangs", async () => {
    const numbers = new Map<string, readonly Reported[] | undefined>([
      ["a", [counter(3), staleness(1)]],
      ["b", [counter(4), staleness(9)]],
    ]);
    const { together, hits } = fleet(numbers);
    const total = async () => numberOf(await hits(), "bakehouse_verified_cache_hits_total");
    expect(await total()).toBe(7);
    numbers.delete("a");
    together.left("a");
    expect(await total()).toBe(7);
    // Its last words may come behind its end.
    together.note("a", [counter(5)]);
    await expect.poll(total).toBe(9);
    numbers.set("c", [counter(1)]);
    await expect.poll(total).toBe(10);
    numbers.set("b", undefined);
    const families = await hits();
    expect(numberOf(families, "bakehouse_verified_cache_hits_total")).toBe(10);
    // Nobody knows how stale it is.
    expect(families.get("bakehouse_revocation_staleness_seconds")?.samples ?? []).toEqual([]);
    numbers.delete("b");
    together.left("b");
    await new Promise((resolve) => setTimeout(resolve, 400)); // until it is in the sum of those that are gone
    expect(await total()).toBe(10);
  });
});

test.each([
  [undefined, "text"],
  ["", "text"],
  ["*/*", "text"],
  ["text/plain", "text"],
  ["application/openmetrics-text", "openmetrics"],
  ["application/openmetrics-text; version=1.0.0; charset=utf-8", "openmetrics"],
  ["application/openmetrics-text; version=2.0.0, text/plain;q=0.1", "text"],
  ["application/openmetrics-text;q=0", "text"],
  ["application/openmetrics-text;q=0.4, text/plain;q=0.5", "text"],
  [
    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "openmetrics",
  ],
  ["application/openmetrics-text;q=x", "text"],
  ["application/json", "text"],
  [`${",".repeat(50_000)}application/openmetrics-text`, "text"],
])("Accept %j gets %s", (accept, form) => {
  expect(formFor(accept?.slice(0, 60_000))).toBe(form);
});

test("the event loop's lag is the longest of the last windows, and is forgotten", () => {
  vi.useFakeTimers();
  let now = 0;
  const step = (milliseconds: number) => {
    now += milliseconds;
    vi.advanceTimersByTime(100);
  };
  const lag = watchLag(() => now);
  step(100);
  expect(lag.longest()).toBe(0);
  step(350);
  expect(lag.longest()).toBeCloseTo(0.25);
  for (let at = 0; at < 145; at++) step(100);
  expect(lag.longest()).toBeCloseTo(0.25);
  for (let at = 0; at < 310; at++) step(100);
  expect(lag.longest()).toBe(0);
  // One that stands still tells so before it has looked.
  now += 5_100;
  expect(lag.longest()).toBeCloseTo(5);
  lag.stop();
});

describe("a port of its own", () => {
  let listener: MetricsListener | undefined;
  afterEach(async () => {
    await listener?.close();
  });

  function ask(path: string, method = "GET") {
    return new Promise<{ status: number | undefined; allow: string | undefined; text: string }>(
      (resolve, reject) => {
        const asked = request(
          { host: "127.0.0.1", port: listener?.port, path, method, agent: false },
          (response) => {
            let text = "";
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString();
            });
            response.on("end", () =>
              resolve({ status: response.statusCode, allow: response.headers.allow, text }),
            );
          },
        );
        asked.on("error", reject);
        asked.end();
      },
    );
  }

  test("has metrics, whoever asks, and nothing else", async () => {
    const scrape = createScraping(
      async () => [[reported(FAMILIES.workers, [{ value: 1, labels: { state: "serving" } }])]],
      () => 0,
    );
    listener = await listenForScrapes({ host: "127.0.0.1", port: 0 }, scrape);
    expect(await ask("/metrics?from=somewhere")).toMatchObject({ status: 200 });
    expect((await ask("/metrics", "HEAD")).text).toBe("");
    expect(await ask("/metrics", "POST")).toMatchObject({ status: 405, allow: "GET, HEAD" });
    for (const path of ["/", "/v1/verify", "/metrics/", "//metrics", "/healthz"]) {
      const { status, text } = await ask(path);
      expect([status, JSON.parse(text)]).toMatchObject([404, { code: "not_found" }]);
    }
  });

  test("that is taken is named by its setting, and not by its value", async () => {
    const scrape = createScraping(
      async () => [],
      () => 0,
    );
    listener = await listenForScrapes({ host: "127.0.0.1", port: 0 }, scrape);
    const again = listenForScrapes({ host: "127.0.0.1", port: listener.port }, scrape);
    const { lines } = await explainFailure(await again.catch((error: unknown) => error));
    const told =
      "METRICS_ADDRESS: cannot be listened on (EADDRINUSE): set it to another host and port of this machine";
    expect(lines).toEqual([told]);
  });

  test("tells nobody what a fault of it was", async () => {
    listener = await listenForScrapes({ host: "127.0.0.1", port: 0 }, async () => {
      throw new Error("planted: secret");
    });
    const { status, text } = await ask("/metrics");
    expect([status, JSON.parse(text)]).toMatchObject([500, { code: "internal_error" }]);
    expect(text).not.toContain("secret");
  });
});
