import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { describe, expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../../src");

/** What a layer may import of ours, besides itself, and which packages (by first part of their name). */
const LAYERS: Readonly<
  Record<string, { readonly ours: readonly string[]; readonly packages: readonly string[] | "any" }>
> = {
  json: { ours: [], packages: [] },
  macaroon: { ours: ["json"], packages: ["@noble/hashes", "@noble/ciphers", "@noble/curves"] },
  caveats: { ours: ["json"], packages: [] },
  conditions: { ours: [], packages: [] },
  domain: { ours: ["json", "macaroon", "caveats", "conditions"], packages: ["node:"] },
  storage: { ours: ["domain"], packages: "any" },
  oidc: { ours: ["domain"], packages: "any" },
  http: { ours: ["domain", "json", "caveats", "conditions", "macaroon"], packages: "any" },
  client: { ours: ["json", "macaroon", "caveats"], packages: [] },
  cli: { ours: ["client", "json", "macaroon", "caveats"], packages: ["node:", "openid-client"] },
};

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s+["']([^"']+)["']/g,
  );
  return [...found].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? "");
}

function layerOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

describe("imports run one way", () => {
  for (const [layer, allowed] of Object.entries(LAYERS)) {
    test(`${layer} imports ${["itself", ...allowed.ours].join(", ")} and ${allowed.packages === "any" ? "packages" : ["no package", ...allowed.packages].at(-1)}`, () => {
      const own = files.filter((file) => layerOf(file) === layer);
      expect(own.length).toBeGreaterThan(0);
      const wrong = own.flatMap((file) =>
        importsOf(file)
          .filter((specifier) => {
            if (!specifier.startsWith(".")) {
              return (
                allowed.packages !== "any" && !allowed.packages.some((name) => specifier.startsWith(name))
              );
            }
            const target = layerOf(relative(SRC, join(SRC, dirname(file), specifier)));
            return target !== layer && !allowed.ours.includes(target);
          })
          .map((specifier) => `${file} imports ${specifier}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  test("only the composition root and configuration read the environment", () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(readFileSync(join(SRC, file), "utf8")));
    expect(readers).toEqual(["main.ts"]);
  });
});

describe("files hold one idea", () => {
  test("no source file is longer than 400 lines", () => {
    const long = files.filter((file) => readFileSync(join(SRC, file), "utf8").split("\n").length > 400);
    expect(long).toEqual([]);
  });

  test("no TODO, no suppressed check", () => {
    const marked = files.filter((file) =>
      /\bTODO\b|\bFIXME\b|@ts-ignore|@ts-expect-error/.test(readFileSync(join(SRC, file), "utf8")),
    );
    expect(marked).toEqual([]);
  });
});
