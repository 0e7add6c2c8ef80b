import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { run } from "../support/process.ts";
import { scratchFolder } from "../support/scratch.ts";

const SOURCES = join(import.meta.dirname, "../../src/run");
const file = (path: string) => JSON.stringify(join(SOURCES, path));

/** A service that serves nothing, and does not end well. */
const SERVING = `
  export const serve = async () => ({
    announceStop() {},
    take() {},
    stop: () => Promise.reject(Object.assign(new Error("the folder went away"), { name: "DataDirError" })),
  });
`;

/** A worker with these settings, and that service in place of ours. */
const workerWith = (environment: Readonly<Record<string, string>>) => `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve: (name, context, next) =>
      name === "../serve.ts"
        ? { url: "data:text/javascript," + encodeURIComponent(${JSON.stringify(SERVING)}), shortCircuit: true }
        : next(name, context),
  });
  const { serveAsWorker } = await import(${file("command/serve.ts")});
  await serveAsWorker({
    environment: ${JSON.stringify(environment)},
    say: (line) => process.stderr.write(line + "\\n"),
    node: process.versions.node,
  });
`;

/** Starts one worker, and stops it once it serves. */
async function started(environment: Readonly<Record<string, string>>) {
  const worker = join(scratchFolder("worker"), "worker.mjs");
  writeFileSync(worker, workerWith(environment));
  const program = `
    import cluster from "node:cluster";
    import { startWorkers } from ${file("workers.ts")};
    cluster.setupPrimary({ exec: ${JSON.stringify(worker)}, args: [], execArgv: [] });
    const log = { info() {}, error() {} };
    const workers = startWorkers({ count: 1, port: 0, host: "127.0.0.1", delay: 0, startWait: 0, log, write: () => {}, onNumbers() {}, onGone() {} });
    await workers.ready.then(workers.stop, (error) => console.error("refused:", error.message)).catch((error) => console.error(error.message));
  `;
  const running = run("--input-type=module", ["-e", program]);
  expect(await running.ended).toEqual({ code: 0, signal: null });
  return running.stderr();
}

test("a worker that does not end well says so, once", async () => {
  expect(await started({ DATA_DIR: scratchFolder("data") })).toBe(
    "bakehouse: the folder went away\n1 of 1 workers did not end well\n",
  );
});

test("the settings of a worker that no longer fit are why it does not serve", async () => {
  expect(await started({ PORT: "none" })).toMatch(/^refused: PORT: .+\n$/);
});
