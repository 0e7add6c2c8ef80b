import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { bundleBefore } from "./before.ts";
import { newDatabase } from "./database.ts";
import { type Contender, interleaved } from "./figures.ts";
import { load } from "./load.ts";
import { type Service, scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

/** More than the service remembers. */
const DISTINCT = 120_000;

/**
 * Processor time of plain verifies, a token seen before and every token new: of this service, and of the one before a file came.
 *
 * @param cameWith the file's path in the repository
 * @returns nothing if the history is not at hand
 */
export async function besideBefore(cameWith: string, rounds: number, seconds: number) {
  const script = bundleBefore(cameWith);
  if (script === undefined) return [];
  const now = await startService({ databaseUrl: await newDatabase() });
  const before = await startService({ databaseUrl: await newDatabase(), script });
  const processor = async (service: Service, what: string): Promise<readonly Contender[]> => {
    const folder = scratch();
    const root = macaroonOf(await service.issue());
    const request = (token: string) => ({ token, context: CONTEXT });
    const seen = bodiesFile(folder, "seen", [request(encodeBundle([attenuate(root, NINE)]))]);
    const fresh = bodiesFile(folder, "new", distinct(root, DISTINCT).map(request));
    return [
      [`processor, verify, seen${what}`, seen],
      [`processor, verify, new${what}`, fresh],
    ].map(([name = "", bodies = ""]) => ({
      name,
      async run() {
        const headers = { authorization: `Bearer ${service.platformToken}` };
        const used = service.cpu();
        const asked = {
          port: service.port,
          path: "/v1/verify",
          headers,
          bodies,
          seconds,
          expect: '{"allowed":true',
        };
        const { answered } = await load(asked);
        return (service.cpu() - used) / answered;
      },
    }));
  };
  const [seen, fresh] = await processor(now, "");
  const [seenBefore, freshBefore] = await processor(before, ", before");
  const contenders = [seen, seenBefore, fresh, freshBefore].filter((one) => one !== undefined);
  for (const { run } of contenders) await run(0);
  const series = await interleaved("µs/request", rounds, contenders);
  await now.stop();
  await before.stop();
  return series;
}
