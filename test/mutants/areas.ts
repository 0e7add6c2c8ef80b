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

const named = (folder: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `test/${folder}/${name}.test.ts`);

export const AREAS: readonly Area[] = [
  // Each pure layer is held to by its own tests, whatever else runs through it.
  ...["json", "macaroon", "caveats", "conditions"].map((layer) => ({
    name: layer,
    sources: [`src/${layer}/**/*.ts`],
    tests: [`test/${layer}/*.test.ts`],
  })),
  {
    name: "words",
    sources: ["src/words/*.ts"],
    tests: ["test/words/*.test.ts", ...named("domain", "names")],
  },
  {
    name: "verify",
    sources: ["src/domain/verify/**/*.ts", "src/domain/holder/**/*.ts"],
    tests: [
      "test/domain/*.test.ts",
      ...named("macaroon", "hash"),
      ...named("http", "verify"),
      ...named("service", "main-path", "refusals", "isolation", "staleness", "long-batches"),
      ...named("service", "holders", "forged-proofs"),
    ],
  },
  {
    name: "revoke",
    sources: ["src/domain/revoke/**/*.ts"],
    tests: [
      "test/domain/*.test.ts",
      ...named(
        "revocation",
        "stream-progress",
        "log",
        "stream",
        "targets",
        "links",
        "restore",
        "oauth-revoke",
      ),
      ...named("service", "revocation", "isolation"),
    ],
  },
  {
    name: "permissions",
    sources: [
      "src/domain/{permission,caller,credential-role}.ts",
      "src/domain/access/authentication.ts",
      "src/domain/ports/policy.ts",
    ],
    tests: [
      "test/domain/*.test.ts",
      ...named("http", "authorize"),
      ...named("service", "credentials", "own-credentials", "isolation", "policy-changes", "issue"),
    ],
  },
];

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
