import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { z } from "zod";

import { matching, ROOT, read } from "./areas.ts";
import { instrument } from "./hits.ts";
import type { Order } from "./messages.ts";
import type { Workers } from "./workers.ts";

/** What one test file does while nothing is broken. */
const observationSchema = z.object({
  /** Processor time in milliseconds. */
  cost: z.number(),
  /** The numbers of the functions that it calls, by source file. */
  called: z.record(z.string(), z.array(z.number())),
});
export type Observation = z.infer<typeof observationSchema>;

const memorySchema = z.record(z.string(), observationSchema);
const MEMORY = join(ROOT, "node_modules/.cache/bakehouse-mutants.json");

/** A test file, and all sources whose calls are to be noted while it runs. */
export interface Watched {
  readonly test: string;
  readonly files: readonly string[];
}

/**
 * Runs test files on sources that are as they should be, and notes which functions each calls. A test file is not
 * run again where neither it nor any source, nor anything else below `test`, has changed since.
 *
 * @throws Error for a test that fails twice: it could not tell a mutant from a sound source
 */
export async function observe(
  workers: Workers,
  watched: readonly Watched[],
): Promise<ReadonlyMap<string, Observation>> {
  const remembered = recall();
  const common = fingerprint(matching(["src/**", "test/**", "package-lock.json"]).filter(isFile));
  const observations = new Map<string, Observation>();
  const problems = new Map<string, string>();
  const jobs = watched.map(({ test, files }) => ({
    test,
    key: createHash("sha256")
      .update(JSON.stringify([common, test, read(test), files]))
      .digest("hex"),
    order: (): Order => ({
      kind: "observe",
      test,
      sources: Object.fromEntries(files.map((file) => [file, instrument(file, read(file))])),
    }),
  }));
  for (const { test, key } of jobs) {
    const known = remembered[key];
    if (known !== undefined) observations.set(test, known);
  }
  for (let round = 0; round < 2; round++) {
    await workers.follow(
      jobs.filter(({ test }) => !observations.has(test)),
      ({ test }, answer) => {
        if (answer.kind === "observed" && answer.problem === undefined) observations.set(test, answer);
        else problems.set(test, answer.kind === "observed" ? (answer.problem?.name ?? "") : answer.kind);
      },
    );
  }
  const failed = watched.filter(({ test }) => !observations.has(test));
  if (failed.length > 0) {
    const lines = failed.map(({ test }) => `${test}: ${problems.get(test)}`);
    throw new Error(`tests fail while nothing is broken:\n${lines.join("\n")}`);
  }
  keep(remembered, new Map(jobs.map(({ test, key }) => [key, observations.get(test)])));
  return observations;
}

/** Of the files that every test file may depend on; each test file adds itself. */
function isFile(path: string): boolean {
  return /\.(?:tsx?|mjs|json)$/.test(path) && !path.endsWith(".test.ts");
}

function fingerprint(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0${read(file)}\0`);
  return hash.digest("hex");
}

function recall(): z.infer<typeof memorySchema> {
  try {
    return memorySchema.parse(JSON.parse(readFileSync(MEMORY, "utf8")));
  } catch {
    // Nothing is lost with it but the time to run the tests once more.
    return {};
  }
}

function keep(
  remembered: z.infer<typeof memorySchema>,
  now: ReadonlyMap<string, Observation | undefined>,
): void {
  const fresh = [...now].flatMap(([key, observation]) => {
    return observation === undefined ? [] : [[key, observationSchema.parse(observation)] as const];
  });
  const kept = [...Object.entries(remembered).filter(([key]) => !now.has(key)), ...fresh].slice(-MOST_KEPT);
  mkdirSync(dirname(MEMORY), { recursive: true });
  writeFileSync(MEMORY, JSON.stringify(Object.fromEntries(kept)));
}

const MOST_KEPT = 500;
