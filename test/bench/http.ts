import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { contenderFile, startContender, startGoMacaroon, versionOf } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import {
  atLeast,
  atMost,
  type Contender,
  type Effort,
  type Findings,
  interleaved,
  median,
  ratio,
  valuesOf,
} from "./figures.ts";
import { type LoadOptions, load } from "./load.ts";
import { PINNED, type Server } from "./processes.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, descendants, distinct, macaroonOf, NINE } from "./tokens.ts";

/** More than the service remembers, so that a token has been forgotten when its turn comes again. */
const DISTINCT = 120_000;
const BATCH = 100;
/** The contender keeps nothing of what it has seen. */
const JWTS = 5_000;
/** Of the slowest's throughput: where a service is run, and none of the compared ones is overrun. */
const STEADY = 0.5;

/** `POST /v1/verify` over HTTP against routes that do less. */
export async function http({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const service = await startService({ databaseUrl: await newDatabase() });
  const root = macaroonOf(await service.issue());
  const request = (token: string) => ({ token, context: CONTEXT });
  const ask = request(encodeBundle([attenuate(root, NINE)]));
  const tokens = distinct(root, DISTINCT);
  const seen = bodiesFile(folder, "seen", [ask]);
  const fresh = bodiesFile(folder, "new", tokens.map(request));
  const below = bodiesFile(folder, "descendants", descendants(root, DISTINCT).map(request));
  const batches = (all: readonly string[]) =>
    Array.from({ length: Math.floor(all.length / BATCH) }, (_, index) => ({
      requests: all.slice(index * BATCH, (index + 1) * BATCH).map(request),
    }));
  const seenBatch = bodiesFile(folder, "seen-batch", batches(Array.from({ length: BATCH }, () => ask.token)));
  const others = distinct(root, DISTINCT, DISTINCT);
  const freshBatch = bodiesFile(folder, "new-batch", batches(others));
  const belowBatch = bodiesFile(folder, "descendants-batch", batches(descendants(root, DISTINCT, DISTINCT)));

  const answer = JSON.stringify(await service.call("/v1/verify", ask, 200));
  const hono = await startContender("hono.mjs", answer.length);
  const bare = await startContender("node-http.mjs", answer.length);
  const foreignKey = new Uint8Array(32).fill(7);
  const hex = Buffer.from(foreignKey).toString("hex");
  const npm = await startContender("hono-macaroon.mjs", answer.length, [hex]);
  const jose = await startContender("hono-jose.mjs", answer.length, [hex]);
  const go = await startGoMacaroon(answer.length, hex);
  const foreignRoot = attenuate(mint({ rootKey: foreignKey, identifier: root.identifier }), [
    "time < 2037-01-01T00:00:00.000Z",
  ]);
  const foreign = bodiesFile(folder, "foreign", distinct(foreignRoot, DISTINCT).map(request));

  const jwts = bodiesFile(folder, "jwts", (await signedJwts(foreignKey)).map(request));

  const headers = { authorization: `Bearer ${service.platformToken}` };
  const verify = { path: "/v1/verify", headers, seconds, expect: '{"allowed":true' };
  const batch = { path: "/v1/verify/batch", expect: '{"results":[{"allowed":true', connections: 8 };
  const once = (options: Omit<LoadOptions, keyof typeof verify> & Partial<LoadOptions>) =>
    load({ ...verify, ...options });
  const costs = new Map<string, number[]>();
  let busiest = 0;
  /** Requests a second; what each costs the server's processor goes into `costs`. */
  const single = (name: string, server: Server, bodies: string): Contender => ({
    name,
    async run() {
      const before = server.cpu();
      const { perSecond, answered, busy } = await once({ port: server.port, bodies });
      busiest = Math.max(busiest, busy);
      costs.set(name, [...(costs.get(name) ?? []), (server.cpu() - before) / answered]);
      return perSecond;
    },
  });
  const batched = (name: string, bodies: string): Contender => ({
    name,
    run: async () => (await once({ port: service.port, bodies, ...batch })).perSecond * BATCH,
  });
  const contenders = [
    single("empty hono route", hono, seen),
    single("bare node:http route", bare, seen),
    single("hono with npm macaroon", npm, foreign),
    single("hono with jose, HS256", jose, jwts),
    ...(go === undefined ? [] : [single("Go net/http with go-macaroon", go, foreign)]),
    single("verify, seen", service, seen),
    single("verify, new", service, fresh),
    single("verify, descendant", service, below),
    batched("batch of 100, seen", seenBatch),
    batched("batch of 100, new", freshBatch),
    batched("batch of 100, descendants", belowBatch),
  ];
  // Until the engine has compiled what it will: nobody asks what the first second of a server's life is like.
  for (const { run } of contenders) await run(0);
  costs.clear();
  const throughput = await interleaved("requests/s", rounds, contenders);

  const rate = Math.floor(median(valuesOf(throughput, "verify, new")) * STEADY);
  const tail = (name: string, server: Server, bodies: string): Contender => ({
    name,
    run: async () => (await once({ port: server.port, bodies, rate })).p99,
  });
  const latency = await interleaved(`ms, p99 at ${rate}/s`, rounds, [
    tail("p99, empty hono route", hono, seen),
    tail("p99, verify, seen", service, seen),
    tail("p99, verify, new", service, fresh),
  ]);
  await Promise.all([service, hono, bare, npm, jose, go].map((server) => server?.stop()));

  const processor = [...costs].map(([name, values]) => {
    return { name: `processor, ${name}`, unit: "µs/request", values };
  });
  const of = (name: string, to: string) => ratio(throughput, name, to);
  return {
    part: "http",
    series: [...throughput, ...latency, ...processor],
    targets: [
      atLeast("verify, seen / empty hono route", of("verify, seen", "empty hono route"), 0.85),
      atLeast("verify, new / empty hono route", of("verify, new", "empty hono route"), 0.6),
      atLeast("verify, descendant / empty hono route", of("verify, descendant", "empty hono route"), 0.6),
      atLeast("verify, new / hono with npm macaroon", of("verify, new", "hono with npm macaroon"), 3.5),
      atLeast(
        "verify, new / Go net/http with go-macaroon",
        of("verify, new", "Go net/http with go-macaroon"),
        1,
      ),
      atMost(
        "p99, verify, seen / empty hono route",
        ratio(latency, "p99, verify, seen", "p99, empty hono route"),
        1.5,
      ),
      atMost(
        "p99, verify, new / empty hono route",
        ratio(latency, "p99, verify, new", "p99, empty hono route"),
        1.5,
      ),
      atLeast("batch of 100 / single, seen", of("batch of 100, seen", "verify, seen"), 6),
      atLeast("batch of 100 / single, new", of("batch of 100, new", "verify, new"), 2.5),
      atLeast("batch of 100, descendants / single, seen", of("batch of 100, descendants", "verify, seen"), 4),
    ],
    notes: [
      `64 connections (8 for batches), ${PINNED ? "the server on core 0, the load on core 1" : "not pinned to cores"}; ten caveats, a descendant's last two below a link that is known; a body of ${JSON.stringify(ask).length} bytes, an answer of ${answer.length}.`,
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
