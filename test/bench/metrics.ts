import { createServer } from "node:http";

import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { freePort } from "../support/process-service.ts";
import { newDatabase } from "./database.ts";
import { atMost, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { load } from "./load.ts";
import { type Service, scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

/** Where a difference of a twentieth is to be told. */
const LEAST_ROUNDS = 20;

/** More than the service remembers. */
const DISTINCT = 120_000;

function verifies(service: Service, token: string, what: string) {
  const folder = scratch();
  const root = macaroonOf(token);
  const request = (one: string) => ({ token: one, context: CONTEXT });
  const kinds = {
    seen: bodiesFile(folder, "seen", [request(encodeBundle([attenuate(root, NINE)]))]),
    new: bodiesFile(folder, "new", distinct(root, DISTINCT).map(request)),
  };
  return Object.entries(kinds).map(([kind, bodies]) => ({
    name: `processor, verify, ${kind}${what}`,
    async run(seconds: number) {
      const headers = { authorization: `Bearer ${service.platformToken}` };
      const used = service.cpu();
      const asked = { port: service.port, path: "/v1/verify", headers, bodies, seconds };
      const { answered } = await load({ ...asked, expect: '{"allowed":true' });
      return (service.cpu() - used) / answered;
    },
  }));
}

/** A collector that takes everything and looks at nothing. */
async function startCollector(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

/**
 * The cost of counting and recording to verifies: a service whose metrics are scraped every second, and one that records
 * a request in a hundred, beside one that does neither.
 */
export async function metrics({ rounds, seconds }: Effort): Promise<Findings> {
  const address = `127.0.0.1:${await freePort()}`;
  const counting = await startService({
    databaseUrl: await newDatabase(),
    env: { METRICS_ADDRESS: address },
  });
  const silent = await startService({ databaseUrl: await newDatabase() });
  const collector = await startCollector();
  const tracing = await startService({
    databaseUrl: await newDatabase(),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
    },
  });
  const scraping = setInterval(() => {
    fetch(`http://${address}/metrics`)
      .then((response) => response.text())
      .catch(() => undefined);
  }, 1_000);
  const time = Math.min(seconds, 1);
  const [seen, fresh] = verifies(counting, await counting.issue(), "");
  const [seenSilent, freshSilent] = verifies(silent, await silent.issue(), ", without");
  const [seenTraced, freshTraced] = verifies(tracing, await tracing.issue(), ", traced");
  const contenders = [seen, seenSilent, seenTraced, fresh, freshSilent, freshTraced]
    .filter((one) => one !== undefined)
    .map(({ name, run }) => ({ name, run: () => run(time) }));
  for (const { run } of contenders) await run();
  const series = await interleaved("µs/request", Math.max(rounds, LEAST_ROUNDS), contenders);
  clearInterval(scraping);
  await counting.stop();
  await tracing.stop();
  collector.close();
  await silent.stop();
  return {
    part: "metrics",
    series,
    targets: ["seen", "new"].flatMap((tokens) =>
      ["", ", traced"].map((what) =>
        atMost(
          `processor time of a verify, ${tokens}${what || ", counted"} / without`,
          ratio(series, `processor, verify, ${tokens}${what}`, `processor, verify, ${tokens}, without`),
          1.05,
        ),
      ),
    ),
    notes: ["The service that counts is scraped every second, fifteen times as often as is usual."],
  };
}
