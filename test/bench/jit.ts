import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { debianBinaries, startPostgres } from "../support/postgres-server.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { load } from "./load.ts";
import { type Service, scratch, startService } from "./service.ts";
import { bodiesFile } from "./tokens.ts";

/** Revocations that are none of each other's. */
const DISTINCT = 200_000;

const WRITES = ["issue", "revoke"] as const;

/** Nothing was measured. */
const LEFT_OUT = "Left out: Debian's Postgres (postgresql) is not installed, or compiles no statements.";

function bodiesOf(write: (typeof WRITES)[number], folder: string) {
  if (write === "issue") {
    const ask = {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      caveats: ["action in read, list"],
    };
    return {
      path: "/v1/tokens",
      expect: '{"token',
      status: 201,
      bodies: bodiesFile(folder, "issue", [ask]),
    };
  }
  const asks = Array.from({ length: DISTINCT }, () => ({
    targets: [{ revocation_id: randomBytes(16).toString("base64url") }],
  }));
  return { path: "/v1/revocations", expect: "{", bodies: bodiesFile(folder, "revoke", asks) };
}

/** Writes on Debian's Postgres as it is installed, whose planner compiles what looks costly, beside the same with `jit = off`. */
export async function jit({ rounds, seconds }: Effort): Promise<Findings> {
  const binaries = debianBinaries();
  const server = binaries === undefined ? undefined : await startPostgres({ binaries });
  const services: (readonly [name: string, service: Service])[] = [];
  try {
    const admin = server && postgres(server.url, { max: 1, onnotice: () => {} });
    const [found] = (await admin?.unsafe("select pg_jit_available() as compiles")) ?? [];
    if (server !== undefined && admin !== undefined && found?.["compiles"] === true) {
      for (const [database, name] of [
        ["with_jit", ""],
        ["without_jit", ", jit off"],
      ] as const) {
        await admin.unsafe(`create database ${database}`);
        if (name !== "") await admin.unsafe(`alter database ${database} set jit = off`);
        const url = new URL(server.url);
        url.pathname = `/${database}`;
        services.push([name, await startService({ databaseUrl: url.href })]);
      }
    }
    await admin?.end();
    const folder = scratch();
    const contenders = services.flatMap(([name, service]) =>
      WRITES.map((write): Contender => {
        const asked = {
          port: service.port,
          headers: { authorization: `Bearer ${service.platformToken}` },
          ...bodiesOf(write, folder),
        };
        return { name: `${write}${name}`, run: async () => (await load({ ...asked, seconds })).perSecond };
      }),
    );
    for (const { run } of contenders) await run(0);
    const series = await interleaved("writes/s", rounds, contenders);
    return {
      part: "jit",
      series,
      targets: WRITES.map((write) =>
        atLeast(
          `${write} on Debian's Postgres / with jit off`,
          ratio(series, write, `${write}, jit off`),
          0.95,
        ),
      ),
      notes: services.length > 0 ? ["64 connections, one target a revocation."] : [LEFT_OUT],
    };
  } finally {
    for (const [, service] of services) await service.stop();
    await server?.stop();
  }
}
