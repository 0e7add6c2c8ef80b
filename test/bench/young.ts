import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { newDatabase } from "./database.ts";
import { type Contender, type Effort, type Findings, interleaved } from "./figures.ts";
import { load } from "./load.ts";
import { type Service, scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

const AS_IT_IS = "as it is";

/** Sizes of a half of the young generation, and a heap that grows less between two collections of all of it. */
const ENGINES: readonly (readonly [name: string, engine: readonly string[]])[] = [
  [AS_IT_IS, []],
  ...[4, 8, 32, 64].map((size) => [`${size} MB`, [`--max-semi-space-size=${size}`]] as const),
  ["heap grows by 60 %", ["--heap-growing-percent=60"]],
];

/** Root macaroons, and tokens below each: few enough to have a place in its tree. */
const ROOTS = 120;
const BELOW = 250;

/** Requests a second at which a tail is measured: a fifth of what is answered at most. */
const RATES = { new: 1_500, seen: 4_000 } as const;

async function bodiesOf(service: Service, folder: string) {
  const request = (token: string) => ({ token, context: CONTEXT });
  const fresh: object[] = [];
  for (let root = 0; root < ROOTS; root++)
    fresh.push(...distinct(macaroonOf(await service.issue()), BELOW).map(request));
  const seen = [request(encodeBundle([attenuate(macaroonOf(await service.issue()), NINE)]))];
  const name = String(service.port);
  return {
    new: bodiesFile(folder, `${name}-new`, fresh),
    seen: bodiesFile(folder, `${name}-seen`, seen),
  };
}

/** The size of the young generation: what it costs, what it does to the tail, and what it holds. */
export async function young({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const costs: Contender[] = [];
  const tails: Contender[] = [];
  const sizes: Contender[] = [];
  const services: Service[] = [];
  for (const [name, engine] of ENGINES) {
    const service = await startService({ databaseUrl: await newDatabase(), engine });
    services.push(service);
    const bodies = await bodiesOf(service, folder);
    const verify = {
      path: "/v1/verify",
      headers: { authorization: `Bearer ${service.platformToken}` },
      expect: '{"allowed":true',
      port: service.port,
      seconds,
    };
    for (const kind of ["new", "seen"] as const) {
      costs.push({
        name: `processor, ${kind}, ${name}`,
        run: async () => {
          const used = service.cpu();
          const { answered } = await load({ ...verify, bodies: bodies[kind] });
          return (service.cpu() - used) / answered;
        },
      });
      tails.push({
        name: `p99 at ${RATES[kind]}/s, ${kind}, ${name}`,
        run: async () => (await load({ ...verify, bodies: bodies[kind], rate: RATES[kind] })).p99,
      });
    }
    sizes.push({ name: `resident memory, ${name}`, run: () => service.memory() / 1_000_000 });
  }
  const series = [
    ...(await interleaved("µs/request", rounds, costs)),
    ...(await interleaved("ms", rounds, tails)),
    ...(await interleaved("MB", 1, sizes)),
  ];
  await Promise.all(services.map((service) => service.stop()));
  return { part: "young", series, targets: [], notes: ["Tokens of 120 root macaroons; on Postgres."] };
}
