import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const SRC = join(import.meta.dirname, "../../src");

/** Every source file, by its path below `src`. */
export const SOURCES: readonly string[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .sort();

/** The text of a file below `src`. */
export function textOf(file: string): string {
  return readFileSync(join(SRC, file), "utf8");
}

/** The specifiers that a file imports or exports from, those of types and dynamic ones included. */
export function importsOf(file: string): readonly string[] {
  const found = textOf(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s+["']([^"']+)["']/g,
  );
  return [...found].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? "");
}

/** Files that put a folder together for its outside, and so stand above the rooms inside it. */
const FRONTS = new Set(["index.ts", "app.ts", "cli.ts", "main.ts", "build.ts"]);

/** The folder of a file; a front stands for itself, since it belongs above its folder's rooms. */
export function roomOf(file: string): string {
  return FRONTS.has(basename(file)) ? file : dirname(file);
}

/** Each circle of imports among the groups of files, as the groups that reach one another. */
export function circlesOf(groupOf: (file: string) => string): readonly (readonly string[])[] {
  const known = new Set(SOURCES);
  const arrows = new Map<string, Set<string>>();
  for (const file of SOURCES) {
    const from = groupOf(file);
    const targets = arrows.get(from) ?? new Set();
    arrows.set(from, targets);
    for (const specifier of importsOf(file)) {
      const target = join(dirname(file), specifier);
      if (specifier.startsWith(".") && known.has(target) && groupOf(target) !== from) {
        targets.add(groupOf(target));
      }
    }
  }
  const reaches = new Map([...arrows.keys()].map((group) => [group, reachedFrom(group, arrows)]));
  const circles = new Map<string, readonly string[]>();
  for (const [group, reached] of reaches) {
    if (!reached.has(group)) continue;
    const circle = [...reached].filter((other) => reaches.get(other)?.has(group)).sort();
    circles.set(circle.join(), circle);
  }
  return [...circles.values()];
}

function reachedFrom(start: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...(arrows.get(start) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(arrows.get(next) ?? []));
  }
  return reached;
}
