/** Loaded before every test file that a mutant is tried on, and before those whose calls are noted. */
import { afterAll } from "vitest";

import { HITS } from "./hits.ts";

declare module "vitest" {
  interface TaskMeta {
    /** The numbers of the functions that the test file called, by source file. */
    called?: Readonly<Record<string, readonly number[]>>;
  }
}

// biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to see which fixtures are wanted
afterAll(({}, suite) => {
  const hits: unknown = Reflect.get(globalThis, HITS);
  if (typeof hits !== "object" || hits === null) return;
  suite.meta.called = Object.fromEntries(
    Object.entries(hits).map(([file, bytes]) => [
      file,
      bytes instanceof Uint8Array ? [...bytes.keys()].filter((index) => bytes[index] === 1) : [],
    ]),
  );
});
