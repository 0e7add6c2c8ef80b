import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { startContender } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { load } from "./load.ts";
import type { Server } from "./processes.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

const DISTINCT = 120_000;

/** `serve --workers 2` beside two workers of the empty route, and one beside one, with the system choosing the cores. */
export async function workers({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const databaseUrl = await newDatabase();
  const one = await startService({ databaseUrl, cores: "" });
  const two = await startService({ databaseUrl, reuse: true, cores: "", args: ["--workers", "2"] });
  const request = (token: string) => ({ token, context: CONTEXT });
  const root = macaroonOf(await one.issue());
  const ask = request(encodeBundle([attenuate(root, NINE)]));
  const seen = bodiesFile(folder, "seen", [ask]);
  const fresh = bodiesFile(folder, "new", distinct(root, DISTINCT).map(request));
  const { length } = JSON.stringify(await one.call("/v1/verify", ask, 200));
  const hono = await startContender("hono.mjs", length, [], "");
  const honos = await startContender("hono.mjs", length, ["2"], "");

  const contender = (name: string, server: Server, bodies: string, token = ""): Contender => ({
    name,
    async run() {
      const headers = { authorization: `Bearer ${token}` };
      const asked = {
        port: server.port,
        path: "/v1/verify",
        headers,
        bodies,
        seconds,
        expect: '{"allowed":true',
      };
      return (await load(asked, "")).perSecond;
    },
  });
  const contenders = [
    contender("empty hono route", hono, seen),
    contender("verify, seen", one, seen, one.platformToken),
    contender("verify, new", one, fresh, one.platformToken),
    contender("empty hono route, 2 workers", honos, seen),
    contender("verify, seen, 2 workers", two, seen, two.platformToken),
    contender("verify, new, 2 workers", two, fresh, two.platformToken),
  ];
  for (const { run } of contenders) await run(0);
  // Fewer than elsewhere: there are twice as many to measure, and the whole is to be done in ten minutes.
  const series = await interleaved("requests/s", Math.ceil(rounds * 0.6), contenders);
  await Promise.all([one, two, hono, honos].map((server) => server.stop()));
  const of = (name: string, to: string) => ratio(series, name, to);
  const alone = (name: string) => of(name, "empty hono route").toFixed(2);
  return {
    part: "workers",
    series,
    targets: [
      atLeast(
        "two workers, verify, seen / empty hono route",
        of("verify, seen, 2 workers", "empty hono route, 2 workers"),
        0.85,
      ),
      atLeast(
        "two workers, verify, new / empty hono route",
        of("verify, new, 2 workers", "empty hono route, 2 workers"),
        0.6,
      ),
    ],
    notes: [
      `The load shares the cores with what it loads. One to one, so: seen ${alone("verify, seen")}, new ${alone("verify, new")}.`,
    ],
  };
}
