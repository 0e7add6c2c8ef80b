import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { contenderFile, startContender, startGoMacaroon, versionOf } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { type LoadOptions, load } from "./load.ts";
import { PINNED, type Server } from "./processes.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, descendants, distinct, macaroonOf, NINE } from "./tokens.ts";

/** More than the service remembers, so that a token has been forgotten when its turn comes again. */
const DISTINCT = 120_000;
const BATCH = 100;
/** What is asked of the empty route's throughput, for the whole answer and for the decision alone. */
const KINDS = [
  { kind: "seen", whole: 0.85, decision: 0.9 },
  { kind: "descendant", whole: 0.6, decision: 0.75 },
  { kind: "new", whole: 0.45, decision: 0.6 },
] as const;
/** The contender keeps nothing of what it has seen. */
const JWTS = 5_000;
/** `POST /v1/verify` over HTTP against routes that do less. */
export async function http({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const service = await startService({ databaseUrl: await newDatabase() });
  const root = macaroonOf(await service.issue());
  const request = (token: string) => ({ token, context: CONTEXT });
  const forDecision = (token: string) => ({ ...request(token), answer: "decision" });
  const seenToken = encodeBundle([attenuate(root, NINE)]);
  const file = (name: string, bodies: readonly object[]) => bodiesFile(folder, name, bodies);
  const batches = (all: readonly string[], ask = request) =>
    Array.from({ length: Math.floor(all.length / BATCH) }, (_, index) => ({
      requests: all.slice(index * BATCH, (index + 1) * BATCH).map((token) => ask(token)),
    }));
  const seenBatch = Array.from({ length: BATCH }, () => seenToken);
  const fresh = distinct(root, DISTINCT);
  const below = descendants(root, DISTINCT);
  const bodies = {
    seen: file("seen", [request(seenToken)]),
    seenDecision: file("seen-decision", [forDecision(seenToken)]),
    fresh: file("new", fresh.map(request)),
    freshDecision: file("new-decision", distinct(root, DISTINCT, DISTINCT).map(forDecision)),
    below: file("descendants", below.map(request)),
    belowDecision: file("descendants-decision", descendants(root, DISTINCT, DISTINCT).map(forDecision)),
    seenBatch: file("seen-batch", batches(seenBatch)),
    seenBatchDecision: file("seen-batch-decision", batches(seenBatch, forDecision)),
    freshBatch: file("new-batch", batches(distinct(root, DISTINCT, 2 * DISTINCT))),
    belowBatch: file("descendants-batch", batches(descendants(root, DISTINCT, 2 * DISTINCT))),
  };

  const answerTo = async (ask: object) => JSON.stringify(await service.call("/v1/verify", ask, 200));
  const answer = await answerTo(request(seenToken));
  const decision = await answerTo(forDecision(seenToken));
  const hono = await startContender("hono.mjs", answer.length);
  const honoDecision = await startContender("hono.mjs", decision.length);
  const bare = await startContender("node-http.mjs", answer.length);
  const foreignKey = new Uint8Array(32).fill(7);
  const hex = Buffer.from(foreignKey).toString("hex");
  const npm = await startContender("hono-macaroon.mjs", answer.length, [hex]);
  const jose = await startContender("hono-jose.mjs", answer.length, [hex]);
  const go = await startGoMacaroon(answer.length, hex);
  const foreignRoot = attenuate(mint({ rootKey: foreignKey, identifier: root.identifier }), [
    "time < 2037-01-01T00:00:00.000Z",
  ]);
  const foreign = file("foreign", distinct(foreignRoot, DISTINCT).map(request));
  const jwts = file("jwts", (await signedJwts(foreignKey)).map(request));

  const headers = { authorization: `Bearer ${service.platformToken}` };
  const verify = { path: "/v1/verify", headers, seconds, expect: '{"allowed":true' };
  const batch = { path: "/v1/verify/batch", expect: '{"results":[{"allowed":true', connections: 8 };
  const once = (options: Omit<LoadOptions, keyof typeof verify> & Partial<LoadOptions>) =>
    load({ ...verify, ...options });
  const costs = new Map<string, number[]>();
  let busiest = 0;
  /** Requests a second; what each costs the server's processor goes into `costs`. */
  const single = (name: string, server: Server, asked: string): Contender => ({
    name,
    async run() {
      const before = server.cpu();
      const { perSecond, answered, busy } = await once({ port: server.port, bodies: asked });
      busiest = Math.max(busiest, busy);
      costs.set(name, [...(costs.get(name) ?? []), (server.cpu() - before) / answered]);
      return perSecond;
    },
  });
  const batched = (name: string, asked: string): Contender => ({
    name,
    run: async () => (await once({ port: service.port, bodies: asked, ...batch })).perSecond * BATCH,
  });
  const contenders = [
    single("empty hono route", hono, bodies.seen),
    single("empty hono route, decision", honoDecision, bodies.seenDecision),
    single("bare node:http route", bare, bodies.seen),
    single("hono with npm macaroon", npm, foreign),
    single("hono with jose, HS256", jose, jwts),
    ...(go === undefined ? [] : [single("Go net/http with go-macaroon", go, foreign)]),
    single("verify, seen", service, bodies.seen),
    single("verify, seen, decision", service, bodies.seenDecision),
    single("verify, descendant", service, bodies.below),
    single("verify, descendant, decision", service, bodies.belowDecision),
    single("verify, new", service, bodies.fresh),
    single("verify, new, decision", service, bodies.freshDecision),
    batched("batch of 100, seen", bodies.seenBatch),
    batched("batch of 100, seen, decision", bodies.seenBatchDecision),
    batched("batch of 100, descendant", bodies.belowBatch),
    batched("batch of 100, new", bodies.freshBatch),
  ];
  // Until the engine has compiled what it will: nobody asks what the first second of a server's life is like.
  for (const { run } of contenders) await run(0);
  costs.clear();
  const throughput = await interleaved("requests/s", rounds, contenders);

  await Promise.all([service, hono, honoDecision, bare, npm, jose, go].map((server) => server?.stop()));

  const processor = [...costs].map(([name, values]) => {
    return { name: `processor, ${name}`, unit: "µs/request", values };
  });
  const of = (name: string, to: string) => ratio(throughput, name, to);
  return {
    part: "http",
    series: [...throughput, ...processor],
    targets: [
      ...KINDS.flatMap(({ kind, whole, decision: short }) => [
        atLeast(`verify, ${kind} / empty hono route`, of(`verify, ${kind}`, "empty hono route"), whole),
        atLeast(
          `verify, ${kind}, decision / empty hono route, decision`,
          of(`verify, ${kind}, decision`, "empty hono route, decision"),
          short,
        ),
      ]),
      atLeast("verify, new / hono with npm macaroon", of("verify, new", "hono with npm macaroon"), 3.5),
      ...[
        { kind: "new", wanted: 0.8 },
        { kind: "descendant", wanted: 1.2 },
      ].map(({ kind, wanted }) =>
        atLeast(
          `verify, ${kind} / Go net/http with go-macaroon`,
          of(`verify, ${kind}`, "Go net/http with go-macaroon"),
          wanted,
        ),
      ),
      ...[
        { kind: "seen", wanted: 6 },
        { kind: "seen, decision", wanted: 8 },
        { kind: "descendant", wanted: 4 },
      ].map(({ kind, wanted }) =>
        atLeast(`batch of 100 / single, ${kind}`, of(`batch of 100, ${kind}`, `verify, ${kind}`), wanted),
      ),
    ],
    notes: [
      `64 connections (8 for batches), ${PINNED ? "the server on core 0, the load on core 1" : "not pinned to cores"}; ten caveats, a descendant's last two below a link that is known; a body of ${JSON.stringify(request(seenToken)).length} bytes, an answer of ${answer.length}, a decision of ${decision.length}; each empty route answers as much.`,
      `The load took at most ${Math.round(100 * busiest)} % of its core.`,
      `hono ${versionOf("hono")}, npm macaroon ${versionOf("macaroon")}, jose ${versionOf("jose")}.`,
      ...(go === undefined
        ? ["Left out: Go net/http with go-macaroon (Go is not installed, or cannot have it)."]
        : []),
    ],
  };
}

/** JWTs with the same claims. */
async function signedJwts(key: Uint8Array): Promise<readonly string[]> {
  const {
    signed,
  }: { signed(count: number, algorithm: string, key: Uint8Array): Promise<readonly string[]> } = await import(
    contenderFile("jwt.mjs")
  );
  return signed(JWTS, "HS256", key);
}
