/** The short form of `node test/drills/budgets.ts`: a hundred children of one budget, two replicas, a database that dies. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Answer, faults, newFamily, spend } from "../drills/hundred-children.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { type InProcessReplica, newFleet, openServerStore, startReplica } from "../support/replica.ts";

const fleet = newFleet();
const replicas: InProcessReplica[] = [];
let server: Awaited<ReturnType<typeof startPostgres>>;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  for (let n = 0; n < 2; n++) {
    replicas.push(await startReplica({ store: await openServerStore(server.url), fleet }));
  }
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await server.stop();
  fleet.remove();
});

const replica = (n: number) => replicas[n % 2] ?? expect.fail("no replica");

async function ask(call: number, token: string): Promise<Answer> {
  const outcome = await replica(call).verify(token);
  if (outcome === "allowed" || outcome === "budget_exhausted") return outcome;
  expect(outcome).toBe("unavailable");
  return "unanswered";
}

describe("[postgres] a hundred children of one budget, asked for by 64 callers on two replicas,", () => {
  test("are allowed exactly what it allows", async () => {
    const family = newFamily((await replica(0).issue()).token);
    const spent = await spend(family, ask);
    expect(await faults(family, spent, server.url)).toEqual([]);
  });

  test("are never allowed more, where the database is killed meanwhile", async () => {
    const family = newFamily((await replica(0).issue()).token);
    let crash: Promise<void> | undefined;
    const spent = await spend(family, ask, (count) => {
      if (count === 300) crash = server.crash().then(() => server.restart());
    });
    await crash;
    expect(spent.unanswered).toBeGreaterThan(0);
    expect(await faults(family, spent, server.url)).toEqual([]);
  });
});
