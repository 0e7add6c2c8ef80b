import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { testDatabaseUrl } from "../support/database.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { drillReplacements, drillRestarts, drillStops, type Outcome } from "./drill.ts";
import { type Fleet, newFleet } from "./fleet.ts";
import { nginxVersion } from "./nginx.ts";

// `node test/drills/drain.ts` does each of this as often as it is told to.

const TIMEOUT = 180_000;
const nginx = nginxVersion() !== undefined;
/**
 * A connection that is made in the very microseconds in which a port is closed is cut off by the system, which no process can
 * help: the tally knows those, since the services note what they have accepted. On a crowded machine they are milliseconds.
 */
const options = { nginx, freshPause: 500 };

describe("a service that is asked in every way", { timeout: TIMEOUT }, () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await newFleet(builtBundle(), await testDatabaseUrl());
  }, TIMEOUT);

  afterAll(() => fleet?.close());

  function expectNothingLost({ tally, endings }: Outcome): void {
    expect(tally.losses).toEqual([]);
    for (const kind of ["kept", "fresh", "silent", "stream", "poll"] as const) {
      expect(tally.sums.get(kind)?.answered, kind).toBeGreaterThan(0);
    }
    expect(endings.map(({ code }) => code)).toEqual(endings.map(() => 0));
    // Four seconds, where the machine has time for it; ten before streams and polls were ended with an answer.
    for (const { milliseconds } of endings) expect(milliseconds).toBeLessThan(8_000);
  }

  test("loses nothing while its processes are stopped and started in turn", async () => {
    const outcome = await drillRestarts(fleet, { times: 2, ...options });
    expectNothingLost(outcome);
    expect(outcome.tally.sums.get("nginx")?.answered ?? 0, "nginx").toBeGreaterThan(nginx ? 0 : -1);
  });

  test("loses nothing while its workers are replaced, and is there all the time", async () => {
    const outcome = await drillReplacements(fleet, { times: 1, ...options });
    expectNothingLost(outcome);
    expect([...outcome.tally.sums.values()].map(({ refused }) => refused)).toEqual(
      [...outcome.tally.sums].map(() => 0),
    );
  });

  test.each([
    ["a single process", 1],
    ["two workers", 2],
  ] as const)("loses nothing that %s has taken when it stops", async (_, workers) => {
    expectNothingLost(await drillStops(fleet, workers, { times: 1, ...options }));
  });
});
