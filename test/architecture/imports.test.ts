import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { circlesOf, importsOf, roomOf, SOURCES, textOf } from "./source-graph.ts";

/** The folders a layer may import besides itself, and its packages (by the first part of their name). */
const LAYERS: Readonly<
  Record<string, { readonly ours: readonly string[]; readonly packages: readonly string[] | "any" }>
> = {
  json: { ours: [], packages: [] },
  words: { ours: [], packages: [] },
  macaroon: { ours: ["json"], packages: ["@noble/hashes", "@noble/ciphers", "@noble/curves"] },
  caveats: { ours: ["json", "words"], packages: [] },
  conditions: { ours: [], packages: [] },
  tlog: { ours: ["macaroon"], packages: [] },
  domain: { ours: ["json", "words", "macaroon", "caveats", "conditions", "tlog"], packages: ["node:"] },
  storage: { ours: ["domain", "words"], packages: "any" },
  oidc: { ours: ["domain", "json"], packages: "any" },
  http: { ours: ["domain", "json", "words", "caveats", "conditions", "macaroon", "tlog"], packages: "any" },
  client: {
    ours: ["json", "words", "macaroon", "caveats", "tlog"],
    packages: ["@modelcontextprotocol/server"],
  },
  cli: {
    ours: ["client", "json", "words", "macaroon", "caveats", "conditions", "tlog"],
    packages: ["node:", "openid-client"],
  },
};

/**
 * The rooms of the domain from the bottom up: each may import the rooms before it and no other. The room `domain`
 * holds the files beside the rooms: the use cases' interfaces, callers and permissions.
 */
const ROOMS = [
  "domain/ports/parts",
  "domain/ports/keys",
  "domain/ports",
  "domain/parts",
  "domain",
  "domain/keys",
  "domain/replica",
  "domain/audit",
  "domain/budget",
  "domain/holder",
  "domain/verify",
  "domain/memory",
  "domain/issue",
  "domain/tree",
  "domain/revoke",
  "domain/access",
  "domain/oauth",
  "domain/discharge",
  "domain/upkeep",
];

const layerOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : "");

describe("imports run one way", () => {
  for (const [layer, allowed] of Object.entries(LAYERS)) {
    test(`${layer} imports ${["itself", ...allowed.ours].join(", ")} and ${allowed.packages === "any" ? "packages" : ["no package", ...allowed.packages].at(-1)}`, () => {
      const own = SOURCES.filter((file) => layerOf(file) === layer);
      expect(own.length).toBeGreaterThan(0);
      const wrong = own.flatMap((file) =>
        importsOf(file)
          .filter((specifier) => {
            if (!specifier.startsWith(".")) {
              return (
                allowed.packages !== "any" && !allowed.packages.some((name) => specifier.startsWith(name))
              );
            }
            const target = layerOf(join(dirname(file), specifier));
            return target !== layer && !allowed.ours.includes(target);
          })
          .map((specifier) => `${file} imports ${specifier}`),
      );
      expect(wrong).toEqual([]);
    });
  }

  test("the library needs a package in bakehouse/mcp alone, and that has no copy of the library", () => {
    const own = SOURCES.filter((file) => layerOf(file) === "client");
    const needy = own.filter((file) => importsOf(file).some((specifier) => !specifier.startsWith(".")));
    expect(new Set(needy.map((file) => dirname(file)))).toEqual(new Set(["client/mcp"]));
    const inside = own
      .filter((file) => dirname(file) === "client/mcp")
      .flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })))
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ file, specifier }) => join(dirname(file), specifier))
      .filter((path) => path.startsWith("client/") && dirname(path) !== "client/mcp");
    expect(new Set(inside)).toEqual(new Set(["client/index.ts", "client/shape.ts"]));
  });

  test("only the composition root and configuration read the environment", () => {
    expect(SOURCES.filter((file) => /\bprocess\.env\b/.test(textOf(file)))).toEqual([
      "client-main.ts",
      "main.ts",
    ]);
  });
});

describe("rooms of the domain", () => {
  test("are all in the order, and in the README of the domain", () => {
    const rooms = new Set(SOURCES.filter((file) => layerOf(file) === "domain").map((file) => dirname(file)));
    expect([...rooms].sort()).toEqual([...ROOMS].sort());
    const readme = textOf("domain/README.md");
    expect(ROOMS.filter((room) => !readme.includes(`\`${room.slice("domain/".length)}/\``))).toEqual([
      "domain",
    ]);
  });

  test("import only the rooms below them", () => {
    const upwards = SOURCES.filter((file) => layerOf(file) === "domain").flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => ({ specifier, target: dirname(join(dirname(file), specifier)) }))
        .filter(({ target }) => ROOMS.indexOf(target) > ROOMS.indexOf(dirname(file)))
        .map(({ specifier }) => `${file} imports ${specifier}`),
    );
    expect(upwards).toEqual([]);
  });
});

describe("nothing imports itself on a way round", () => {
  // Types count: two files that name each other's types are one idea in two places.
  test("no circle of files", () => {
    expect(circlesOf((file) => file)).toEqual([]);
  });

  test("no circle of folders", () => {
    expect(circlesOf(roomOf)).toEqual([]);
  });
});

describe("words of the wire", () => {
  // Texts that can only be copies of what `words/` holds; comments may name them.
  const WORDS = {
    "an identifier's version": /["'`^]bh1\b/,
    "the name of a problem": /["'`]urn:bakehouse:problem/,
    "a media type of problems or events": /["'`](?:application\/problem\+json|text\/event-stream)["'`]/,
    "the pattern of a uuid": /\[0-9a-f\]\{8\}/,
    "the pattern of a revocation id": /\[AQgw\]/,
    "the list of problems": /"idempotency_in_flight",?\s*\|?\s*"gone"/,
    "the list of refusals": /"discharge_invalid",?\s*\|?\s*"depth_exceeded"/,
    "a header's name": /"(?:idempotency-key|x-request-id)"/i,
  };

  test.each(Object.entries(WORDS))("%s stands in words/ alone", (_, copy) => {
    const holders = SOURCES.filter((file) => {
      const code = textOf(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
      return copy.test(code);
    });
    expect(holders.filter((file) => layerOf(file) !== "words")).toEqual([]);
    expect(holders.length).toBeGreaterThan(0);
  });
});

describe("files hold one idea", () => {
  test("no source file is longer than 400 lines", () => {
    expect(SOURCES.filter((file) => textOf(file).split("\n").length > 400)).toEqual([]);
  });

  test("no folder has more than 25 files beside each other", () => {
    const counts = new Map<string, number>();
    for (const file of SOURCES) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 25)).toEqual([]);
  });

  test("no TODO, no suppressed check", () => {
    const marked = SOURCES.filter((file) =>
      /\bTODO\b|\bFIXME\b|@ts-ignore|@ts-expect-error/.test(textOf(file)),
    );
    expect(marked).toEqual([]);
  });
});
