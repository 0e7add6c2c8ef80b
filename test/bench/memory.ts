import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { newDatabase } from "./database.ts";
import { atMost, type Effort, type Findings, median } from "./figures.ts";
import { load } from "./load.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

const MEGABYTE = 1_000_000;
const DISTINCT = 120_000;
const BATCH = 100;
/** Seconds between two looks. */
const PAUSE = 5;

/** What a service holds in memory under load of every kind, over minutes: the most of it, and whether it grows. */
export async function memory({ minutes }: Effort): Promise<Findings> {
  const folder = scratch();
  const service = await startService({ databaseUrl: await newDatabase() });
  const idle = service.memory() / MEGABYTE;
  const root = macaroonOf(await service.issue());
  const request = (token: string) => ({ token, context: CONTEXT });
  const tokens = distinct(root, DISTINCT).map(request);
  const verify = { path: "/v1/verify", expect: '{"allowed":true' };
  const requests = Array.from({ length: DISTINCT / BATCH }, (_, index) => ({
    requests: tokens.slice(index * BATCH, (index + 1) * BATCH),
  }));
  const kinds = [
    { ...verify, bodies: bodiesFile(folder, "new", tokens) },
    { ...verify, bodies: bodiesFile(folder, "seen", [request(encodeBundle([attenuate(root, NINE)]))]) },
    {
      path: "/v1/verify/batch",
      expect: '{"results":[{"allowed":true',
      bodies: bodiesFile(folder, "batch", requests),
      connections: 8,
    },
    {
      path: "/v1/tokens",
      expect: '{"token',
      status: 201,
      bodies: bodiesFile(folder, "issue", [{ platform: "default", on_behalf_of: { subject: "alice" } }]),
    },
  ];
  const resident: number[] = [];
  const headers = { authorization: `Bearer ${service.platformToken}` };
  const looks = Math.max(8, Math.round((minutes * 60) / (PAUSE * 1.25)));
  for (let look = 0; look < looks; look++) {
    const kind = kinds[look % kinds.length];
    if (kind !== undefined) await load({ port: service.port, headers, seconds: PAUSE, ...kind });
    resident.push(service.memory() / MEGABYTE);
  }
  await service.stop();
  const quarter = Math.floor(resident.length / 4);
  const growth = median(resident.slice(-quarter)) / median(resident.slice(quarter, 2 * quarter));
  return {
    part: "memory",
    series: [
      { name: "resident memory, idle", unit: "MB", values: [idle] },
      { name: `resident memory, ${minutes} min of load`, unit: "MB", values: resident },
    ],
    targets: [
      atMost("memory, most under load", Math.max(...resident), 160, "MB"),
      atMost("memory, last quarter of the time / second quarter", growth, 1.1),
    ],
    notes: ["In turn: new tokens, one seen token, batches of 100, issuing; on Postgres, nothing revoked."],
  };
}
