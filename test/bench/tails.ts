import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { startContender } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import { atMost, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { load } from "./load.ts";
import type { Server } from "./processes.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

/** More than the service remembers. */
const DISTINCT = 120_000;
/** A tail is of few requests: fewer rounds tell nothing. */
const LEAST_ROUNDS = 9;
/** Of what the service answers at most. */
const SHARES = [
  { share: 0.2, name: "a fifth" },
  { share: 0.6, name: "three fifths" },
] as const;

/** p99 of `POST /v1/verify` where it is asked as often as in life, beside the empty route at the same rate. */
export async function tails({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const service = await startService({ databaseUrl: await newDatabase() });
  const root = macaroonOf(await service.issue());
  const request = (token: string) => ({ token, context: CONTEXT });
  const ask = request(encodeBundle([attenuate(root, NINE)]));
  const kinds = {
    seen: bodiesFile(folder, "seen", [ask]),
    new: bodiesFile(folder, "new", distinct(root, DISTINCT).map(request)),
  };
  const answer = JSON.stringify(await service.call("/v1/verify", ask, 200));
  const hono = await startContender("hono.mjs", answer.length);
  const verify = {
    path: "/v1/verify",
    headers: { authorization: `Bearer ${service.platformToken}` },
    expect: '{"allowed":true',
    seconds: Math.min(seconds, 1),
  };
  const tail = (name: string, server: Server, bodies: string, rate: number): Contender => ({
    name,
    run: async () => (await load({ ...verify, port: server.port, bodies, rate })).p99,
  });

  const contenders: Contender[] = [];
  const targets: { readonly of: string; readonly to: string }[] = [];
  for (const [kind, bodies] of Object.entries(kinds)) {
    const warmUp = { ...verify, port: service.port, bodies };
    await load(warmUp);
    const { perSecond } = await load(warmUp);
    await load({ ...verify, port: hono.port, bodies: kinds.seen });
    for (const { share, name } of SHARES) {
      const rate = Math.floor(perSecond * share);
      const [of, to] = [`p99 at ${name}, verify, ${kind}`, `p99 at ${name}, empty hono route for ${kind}`];
      contenders.push(tail(of, service, bodies, rate), tail(to, hono, kinds.seen, rate));
      targets.push({ of, to });
    }
  }
  const series = await interleaved("ms", Math.max(rounds, LEAST_ROUNDS), contenders);
  await Promise.all([service.stop(), hono.stop()]);
  return {
    part: "tails",
    series,
    targets: targets.map(({ of, to }) => atMost(`${of} / empty hono route`, ratio(series, of, to), 3)),
    notes: ["At a fifth and at three fifths of what the service answers at most of that kind of token."],
  };
}
