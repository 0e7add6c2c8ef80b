import { join } from "node:path";

import { expect, test } from "vitest";

import { run } from "../support/process.ts";

const WORKERS = JSON.stringify(join(import.meta.dirname, "../../src/run/workers.ts"));

/** A program that starts workers in a folder that is not there: the system refuses, as it does where it has no process left. */
const PROGRAM = `
  import cluster from "node:cluster";
  import { startWorkers } from ${WORKERS};
  cluster.setupPrimary({ exec: "never-started.mjs", cwd: "/nowhere/at/all" });
  const log = { info() {}, error() {} };
  const workers = startWorkers({ count: 2, port: 0, host: "127.0.0.1", delay: 0, startWait: 0, log, write: () => {}, onNumbers() {}, onGone() {} });
  await workers.ready.catch((error) => console.error("refused:", error.message));
  await workers.stop();
  console.error("still here");
`;

test("a worker that the system does not start ends nobody but itself", async () => {
  const program = run("--input-type=module", ["-e", PROGRAM]);
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect(program.stderr()).toContain("refused: a worker ended before it served");
  expect(program.stderr()).toContain("still here");
});
