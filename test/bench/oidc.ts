import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { startContender, versionOf } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import { atLeast, type Contender, type Effort, type Findings, interleaved, ratio } from "./figures.ts";
import { type LoadOptions, load } from "./load.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

const DISTINCT = 120_000;

/**
 * oidc-provider's introspection beside our verify, which asks more: whether a token allows a call; and its
 * client_credentials from memory beside our issue, which has written a token and its audit event to Postgres.
 */
export async function oidc({ rounds, seconds }: Effort): Promise<Findings> {
  const folder = scratch();
  const secret = randomBytes(24).toString("base64url");
  const provider = await startContender("oidc-provider.mjs", 0, [secret]);
  // Another one, since its store keeps the last thousand only: granting would drive out the token that is asked about.
  const granting = await startContender("oidc-provider.mjs", 0, [secret]);
  const service = await startService({ databaseUrl: await newDatabase() });
  const form = {
    authorization: `Basic ${Buffer.from(`bench:${secret}`).toString("base64")}`,
    "content-type": "application/x-www-form-urlencoded",
  };
  const grant = "grant_type=client_credentials&scope=read";
  const granted = await fetch(`http://127.0.0.1:${provider.port}/token`, {
    method: "POST",
    headers: form,
    body: grant,
  });
  const { access_token: opaque } = (await granted.json()) as { readonly access_token: string };

  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), `${text}\n`);
    return join(folder, name);
  };
  const root = macaroonOf(await service.issue());
  const request = (token: string) => ({ token, context: CONTEXT });
  const ours = { authorization: `Bearer ${service.platformToken}` };
  const asked = { platform: "default", on_behalf_of: { subject: "alice" } };
  const verify = { port: service.port, path: "/v1/verify", headers: ours, expect: '{"allowed":true' };
  const at = { port: provider.port, headers: form };
  const loads: readonly (readonly [string, Omit<LoadOptions, "seconds">])[] = [
    [
      "oidc-provider, introspection",
      {
        ...at,
        path: "/token/introspection",
        bodies: write("introspect", `token=${opaque}`),
        expect: '{"active":true',
      },
    ],
    [
      "verify, seen",
      { ...verify, bodies: bodiesFile(folder, "seen", [request(encodeBundle([attenuate(root, NINE)]))]) },
    ],
    ["verify, new", { ...verify, bodies: bodiesFile(folder, "new", distinct(root, DISTINCT).map(request)) }],
    [
      "oidc-provider, client_credentials",
      {
        ...at,
        port: granting.port,
        path: "/token",
        bodies: write("grant", grant),
        expect: '{"access_token":"',
      },
    ],
    [
      "issue, on Postgres",
      {
        port: service.port,
        path: "/v1/tokens",
        headers: ours,
        bodies: bodiesFile(folder, "issue", [asked]),
        status: 201,
        expect: '{"token',
      },
    ],
  ];
  const contenders = loads.map(([name, options]): Contender => {
    return { name, run: async () => (await load({ ...options, seconds })).perSecond };
  });
  for (const { run } of contenders) await run(0);
  const series = await interleaved("requests/s", rounds, contenders);
  await Promise.all([provider, granting, service].map((server) => server.stop()));
  const of = (name: string, to: string) => ratio(series, name, to);
  return {
    part: "oidc",
    series,
    targets: [
      atLeast("verify, seen / introspection", of("verify, seen", "oidc-provider, introspection"), 2.5),
      atLeast("verify, new / introspection", of("verify, new", "oidc-provider, introspection"), 2.5),
      atLeast(
        "issue on Postgres / client_credentials",
        of("issue, on Postgres", "oidc-provider, client_credentials"),
        1,
      ),
    ],
    notes: [
      `64 connections; oidc-provider ${versionOf("oidc-provider")} with its in-memory store and opaque tokens; Postgres runs on the cores that are left, which are the load's.`,
    ],
  };
}
