import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Sources that are mutated, and the tests that are to notice. */
export interface Area {
  readonly name: string;
  /** Patterns of paths from the repository's root. */
  readonly sources: readonly string[];
  /** Patterns of test files; only those that call a mutated function are tried. */
  readonly tests: readonly string[];
}

// Each pure layer is held to by its own tests, whatever else runs through it.
export const AREAS: readonly Area[] = ["json", "macaroon", "caveats", "conditions"].map((layer) => ({
  name: layer,
  sources: [`src/${layer}/**/*.ts`],
  tests: [`test/${layer}/*.test.ts`],
}));

/** Paths from the repository's root that match any of the patterns, each once. */
export function matching(patterns: readonly string[]): readonly string[] {
  return [...new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort()))];
}

const texts = new Map<string, string>();

/** The text of a file, as it was when it was first asked for: a mutant is edits at places in that text. */
export function read(file: string): string {
  const known = texts.get(file) ?? readFileSync(join(ROOT, file), "utf8");
  texts.set(file, known);
  return known;
}
