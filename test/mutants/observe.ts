import { read } from "./areas.ts";
import { instrument } from "./hits.ts";
import type { Order } from "./messages.ts";
import type { Workers } from "./workers.ts";

/** What one test file does while nothing is broken. */
interface Observation {
  /** Processor time in milliseconds. */
  readonly cost: number;
  readonly calls: (file: string, within: number) => boolean;
}

/**
 * Runs test files on sources that are as they should be, and notes which functions each calls.
 *
 * @throws Error for a test that fails twice: it could not tell a mutant from a sound source
 */
export async function observe(
  workers: Workers,
  tests: readonly string[],
  files: readonly string[],
): Promise<ReadonlyMap<string, Observation>> {
  const sources = Object.fromEntries(files.map((file) => [file, instrument(file, read(file))]));
  const observations = new Map<string, Observation>();
  const problems = new Map<string, string>();
  const attempt = (test: string) => ({ test, order: (): Order => ({ kind: "observe", test, sources }) });
  for (let round = 0; round < 2; round++) {
    const left = tests.filter((test) => !observations.has(test));
    await workers.follow(left.map(attempt), ({ test }, answer) => {
      if (answer.kind !== "observed" || answer.problem !== undefined) {
        problems.set(test, answer.kind === "observed" ? (answer.problem?.name ?? "") : answer.kind);
        return;
      }
      const called = new Map(Object.entries(answer.called).map(([file, hit]) => [file, new Set(hit)]));
      observations.set(test, {
        cost: answer.cost,
        calls: (file, within) => called.get(file)?.has(within) === true,
      });
    });
  }
  const failed = tests.filter((test) => !observations.has(test));
  if (failed.length > 0) {
    const lines = failed.map((test) => `${test}: ${problems.get(test)}`);
    throw new Error(`tests fail while nothing is broken:\n${lines.join("\n")}`);
  }
  return observations;
}
