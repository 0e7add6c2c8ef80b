/**
 * One worker: a vitest that stays up and runs test files on sources that exist only in its memory. It is told
 * what to do, and answers, over the channel to its parent process.
 */
import { join, relative } from "node:path";

import {
  BaseSequencer,
  createVitest,
  type TestModule,
  type TestSpecification,
  type Vitest,
} from "vitest/node";

import { SEED } from "../support/seed.ts";
import { type Failure, type Order, orderSchema, type Report } from "./messages.ts";

const ROOT = join(import.meta.dirname, "../..");
const CHECK_EVERY = 200;

/** Runs files in the order in which they are given: the one most likely to fail stands first. */
class AsGiven extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

let replaced: ReadonlyMap<string, string> = new Map();

/** Processor time in milliseconds at which the test file that runs has taken too much, and how much each may take. */
let end = Number.POSITIVE_INFINITY;
let patience: ReadonlyMap<string, number> = new Map();

function beginFile({ moduleId }: TestModule): void {
  end = processorTime() + (patience.get(moduleId) ?? Number.POSITIVE_INFINITY);
}

const vitest = await createVitest(
  {
    config: join(ROOT, "test/vitest.config.ts"),
    watch: false,
    // What is made of a mutant's source must never be found by another run.
    fsModuleCache: false,
    globalSetup: [],
    // A mutant that dies must die again under the same seed: random tests draw the same values every time.
    env: { [SEED]: "1" },
    reporters: [{ onTestModuleQueued: beginFile }],
    silent: true,
    // Threads begin in a fraction of the time of processes, and end with this one.
    pool: "threads",
    execArgv: [], // a thread takes no flags of its own for the collector
    maxWorkers: 1,
    bail: 1,
    // A test that is slow because the machine is busy has noticed nothing.
    testTimeout: 60_000,
    sequence: { sequencer: AsGiven },
    // What runs on both databases is tried on the one that needs no server. A thread cannot become another user.
    testNamePattern: /^(?!.*\[(?:postgres|process)\])/,
  },
  {
    plugins: [
      {
        name: "mutant",
        enforce: "pre",
        config: () => ({ test: { setupFiles: [join(ROOT, "test/mutants/worker-setup.ts")] } }),
        transform: (_code, id) => {
          const text = replaced.get(id);
          return text === undefined ? undefined : { code: text, map: null };
        },
      },
    ],
  },
);
await vitest.standalone();

process.on("message", (message) => {
  void follow(vitest, orderSchema.parse(message)).then(report);
});
process.on("disconnect", () => process.exit());
report({ kind: "ready" });

function report(what: Report): void {
  process.send?.(what);
}

async function follow(runner: Vitest, order: Order): Promise<Report> {
  if (order.kind === "observe") {
    patience = new Map();
    replace(runner, new Map(Object.entries(order.sources).map(([file, text]) => [join(ROOT, file), text])));
    const before = processorTime();
    const { modules, problem } = await run(runner, [order.test]);
    return {
      kind: "observed",
      problem,
      cost: processorTime() - before,
      called: Object.fromEntries(
        modules.flatMap((module) =>
          Object.entries(module.meta().called ?? {}).map(([file, called]) => [file, [...called]]),
        ),
      ),
    };
  }
  replace(runner, new Map([[join(ROOT, order.file), order.text]]));
  patience = new Map(order.tests.map(({ test, patience: most }) => [join(ROOT, test), most]));
  // Processor time and not the clock's: a busy machine makes no mutant endless. A loop turns in a thread of
  // its own, so that this one goes on.
  const watch = setInterval(() => {
    if (processorTime() > end) report({ kind: "endless" });
  }, CHECK_EVERY);
  const { problem } = await run(
    runner,
    order.tests.map(({ test }) => test),
  );
  clearInterval(watch);
  end = Number.POSITIVE_INFINITY;
  return problem === undefined ? { kind: "alive" } : { kind: "killed", by: problem };
}

function replace(runner: Vitest, by: ReadonlyMap<string, string>): void {
  for (const file of new Set([...replaced.keys(), ...by.keys()])) runner.invalidateFile(file);
  replaced = by;
}

async function run(
  runner: Vitest,
  tests: readonly string[],
): Promise<{ readonly modules: readonly TestModule[]; readonly problem: Failure | undefined }> {
  const project = runner.getRootProject();
  const specifications = tests.map((test) => project.createSpecification(join(ROOT, test)));
  const { testModules, unhandledErrors } = await runner.runTestSpecifications(specifications);
  const asked = new Set(specifications.map(({ moduleId }) => moduleId));
  const modules = testModules.filter(({ moduleId }) => asked.has(moduleId));
  return {
    modules,
    problem: modules.map(failureOf).find((one) => one !== undefined) ?? stray(unhandledErrors),
  };
}

function failureOf(module: TestModule): Failure | undefined {
  const test = relative(ROOT, module.moduleId);
  for (const failed of module.children.allTests("failed")) return { test, name: failed.fullName };
  return module.state() === "failed" ? { test, name: module.errors()[0]?.message ?? "a hook" } : undefined;
}

/** An error that no test waited for. */
function stray([first]: readonly unknown[]): Failure | undefined {
  if (first === undefined) return undefined;
  return { test: "", name: first instanceof Error ? first.message : String(first) };
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
