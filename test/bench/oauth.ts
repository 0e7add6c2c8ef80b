import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createBakehouse } from "../../src/client/index.ts";
import { startContender, versionOf } from "./contenders.ts";
import { newDatabase } from "./database.ts";
import {
  atLeast,
  atMost,
  type Contender,
  type Effort,
  type Findings,
  interleaved,
  ratio,
  type Series,
} from "./figures.ts";
import { type LoadOptions, load } from "./load.ts";
import { measureRedeems } from "./oauth-writes.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile } from "./tokens.ts";

const RESOURCE = "https://mcp.example.com/mcp";
const CAVEATS = [`aud = ${RESOURCE}`, "scope in files:read, files:list", "agent = researcher#k3J9d0xQ"];

/**
 * Introspection of a token seen before, beside verify of the same one and oidc-provider's; codes and refresh tokens beside issuing;
 * revokes during a storm of them.
 */
export async function oauth({ rounds, seconds }: Effort): Promise<Findings> {
  const asked = await introspection(rounds, seconds);
  const found = await measureRedeems(await newDatabase(), { rounds, milliseconds: seconds * 1_000 });
  const written: readonly Series[] = [
    { name: "issue, in process", unit: "writes/s", values: found.issue },
    { name: "redeem a code, in process", unit: "writes/s", values: found.code },
    { name: "refresh, in process", unit: "writes/s", values: found.refresh },
    { name: "revoke, p99", unit: "ms", values: found.revokeAlone },
    { name: "revoke during refreshes, p99", unit: "ms", values: found.revokeInStorm },
  ];
  const series = [...asked, ...written];
  const of = (name: string, to: string) => ratio(series, name, to);
  return {
    part: "oauth",
    series,
    targets: [
      atLeast("introspection, seen / verify, seen", of("introspection, seen", "verify, seen"), 0.8),
      atLeast(
        "introspection, seen / oidc-provider's",
        of("introspection, seen", "oidc-provider, introspection"),
        3,
      ),
      atLeast("redeem a code / issue", of("redeem a code, in process", "issue, in process"), 0.4),
      atLeast("refresh / issue", of("refresh, in process", "issue, in process"), 0.4),
      atMost(
        "a revoke's p99 during refreshes / by itself",
        of("revoke during refreshes, p99", "revoke, p99"),
        3,
      ),
    ],
    notes: [
      `Introspection and verify: 64 connections, one token of four caveats; oidc-provider ${versionOf("oidc-provider")} with its in-memory store and an opaque token.`,
      "Redeems, refreshes, issues and storms: 64 callers in the process that measures, on Postgres, acknowledged when they are committed; revokes one after the other.",
    ],
  };
}

async function introspection(rounds: number, seconds: number): Promise<readonly Series[]> {
  const folder = scratch();
  const secret = randomBytes(24).toString("base64url");
  const provider = await startContender("oidc-provider.mjs", 0, [secret]);
  const service = await startService({ databaseUrl: await newDatabase(), dataDir: folder });
  const url = `http://127.0.0.1:${service.port}`;
  const credential = readFileSync(join(folder, "admin.token"), "utf8").trim();
  const admin = createBakehouse({ url, credential });
  await admin.resources.setHosts("default", ["mcp.example.com"]);
  const scopes = ["files:read", "files:list"].map((scope) => ({ scope, description: scope }));
  await admin.resources.register("default", { resource: RESOURCE, name: "Files", scopes });

  const form = "application/x-www-form-urlencoded";
  const basic = {
    authorization: `Basic ${Buffer.from(`bench:${secret}`).toString("base64")}`,
    "content-type": form,
  };
  const granted = await fetch(`http://127.0.0.1:${provider.port}/token`, {
    method: "POST",
    headers: basic,
    body: "grant_type=client_credentials&scope=read",
  });
  const { access_token: opaque } = (await granted.json()) as { readonly access_token: string };
  const body = { platform: "default", on_behalf_of: { subject: "alice" }, caveats: CAVEATS };
  const { token } = await service.call<{ readonly token: string }>("/v1/tokens", body, 201);
  const own = await admin.platforms.issueCredential("default", { resource: RESOURCE });
  const lines = (name: string, text: string) => {
    writeFileSync(join(folder, name), `${text}\n`);
    return join(folder, name);
  };
  const bearer = { authorization: `Bearer ${own.token}` };
  const question = { token, context: { scope: "files:read" } };
  const loads: readonly (readonly [string, Omit<LoadOptions, "seconds">])[] = [
    [
      "introspection, seen",
      {
        port: service.port,
        path: "/oauth/introspect",
        headers: { ...bearer, "content-type": form },
        bodies: lines("ours", `token=${token}`),
        expect: '{"active":true',
      },
    ],
    [
      "verify, seen",
      {
        port: service.port,
        path: "/v1/verify",
        headers: bearer,
        bodies: bodiesFile(folder, "verify", [question]),
        expect: '{"allowed":true',
      },
    ],
    [
      "oidc-provider, introspection",
      {
        port: provider.port,
        path: "/token/introspection",
        headers: basic,
        bodies: lines("theirs", `token=${opaque}`),
        expect: '{"active":true',
      },
    ],
  ];
  const contenders = loads.map(([name, options]): Contender => {
    return { name, run: async () => (await load({ ...options, seconds })).perSecond };
  });
  for (const { run } of contenders) await run(0);
  const series = await interleaved("requests/s", rounds, contenders);
  await Promise.all([provider, service].map((server) => server.stop()));
  return series;
}
