import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { startTestService } from "../support/service.ts";

const SRC = join(import.meta.dirname, "../../src");

/** The source files of which a function was called while `work` ran, by their paths below `src`. */
async function filesPassedBy(work: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage");
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const passed = result.filter(({ functions }) =>
    functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0),
  );
  return new Set(passed.flatMap(({ url }) => url.split(`${SRC}/`).slice(1)));
}

test("the walk of a verify in src/README.md names at most twelve files, and a verify passes each", async () => {
  const [, walk = ""] = readFileSync(join(SRC, "README.md"), "utf8").split("## A walk");
  const named = [...walk.matchAll(/\[([\w./-]+\.tsx?)\]\(\1\)/g)].map(([, file = ""]) => file);
  expect(named.length).toBeGreaterThan(8);
  expect(new Set(named).size).toBeLessThanOrEqual(12);

  const service = await startTestService({ kind: "pglite" });
  const server = await service.listen();
  try {
    const { token } = await service.issue();
    const ask = () =>
      fetch(`${server.url}/v1/verify`, {
        method: "POST",
        headers: { ...service.asPlatform(), "content-type": "application/json" },
        body: JSON.stringify({ token, context: {} }),
      }).then((response) => response.json());
    await ask();
    const passed = await filesPassedBy(async () => expect(await ask()).toMatchObject({ allowed: true }));
    expect(named.filter((file) => !passed.has(file))).toEqual([]);
  } finally {
    await server.close();
    await service.close();
  }
});
