import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT_KEY_PURPOSE } from "../../src/domain/keys/root-keys.ts";
import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret as Hidden } from "../../src/domain/keys/secret.ts";
import { computeTails } from "../../src/macaroon/chain.ts";
import { defaultChain } from "../../src/macaroon/hash/chain-hash.ts";
import { decodeBase64, defaultHmac } from "../../src/macaroon/index.ts";
import { deriveKey } from "../../src/macaroon/key.ts";
import { parseIdentifier } from "../../src/words/identifier.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { endAll, type Running, run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, type Home, newEmbeddedHome, newHome, startService } from "../support/process-service.ts";
import { type Column, type Database, filesBelow, openDatabase, readColumns } from "./places.ts";
import { createSearch, type Finding, type Search, type Secret, textSecret } from "./search.ts";
import { type Canaries, macaroonOf, type Told, tellStory } from "./story.ts";

// A whole life of a service at its most talkative log level, and then a search of everything that it left
// behind. Whatever is found is named by what it is and where, never by its value.

/** Of the data folder: what is meant to hold secrets, for its owner alone. */
const MEANT_TO = ["admin.token", "default.token", "dev-idp.jwks", "master.key"];

const canary = (): string => `canary-${randomBytes(12).toString("hex")}`;

/** Unseals the root keys, and derives every tail of every token that was made. */
async function keysAndTails(database: Database, home: Home, told: Told): Promise<readonly Secret[]> {
  const masterKey = decodeBase64(home.env["MASTER_KEY"] ?? "");
  const sealing = createSealing({
    masterKey: new Hidden(masterKey),
    previous: undefined,
    randomness: { bytes: (length) => randomBytes(length) },
  });
  const rows = await database.query("select id, platform, sealed from root_keys");
  const keys = new Map(
    rows.map(({ id, platform, sealed }) => {
      const bytes = Uint8Array.from(sealed as Uint8Array);
      return [String(id), sealing.open(bytes, ROOT_KEY_PURPOSE, String(id), String(platform))];
    }),
  );
  const secrets: Secret[] = [{ name: "the master key", bytes: masterKey }];
  for (const key of keys.values()) {
    secrets.push({ name: "a root key", bytes: key });
    secrets.push({ name: "a derived root key", bytes: deriveKey(key, defaultHmac) });
  }
  const [auditKey] = await database.query("select sealed from audit_key");
  const seed = sealing.open(Uint8Array.from(auditKey?.["sealed"] as Uint8Array), "audit key", "checkpoints");
  secrets.push({ name: "the key of checkpoints", bytes: seed });
  for (const token of told.tokens) {
    const macaroon = macaroonOf(token);
    const key = keys.get(parseIdentifier(macaroon.identifier)?.keyId ?? "");
    if (key === undefined) throw new Error("a token of an unknown key");
    const tails = computeTails(deriveKey(key, defaultHmac), macaroon, defaultChain);
    // Also shows that the keys are the right ones.
    expect(tails.at(-1)).toEqual(macaroon.signature);
    secrets.push(...tails.map((bytes, index) => ({ name: `tail ${index} of a token`, bytes })));
    secrets.push(textSecret("a token", token), { name: "a token's bytes", bytes: decodeBase64(token) });
  }
  const jwks: unknown = JSON.parse(readFileSync(join(home.dataDir, "dev-idp.jwks"), "utf8"));
  for (const [, d = ""] of JSON.stringify(jwks).matchAll(/"d":"([^"]+)"/g)) {
    secrets.push({ name: "a signing key of the development identity provider", bytes: decodeBase64(d) });
  }
  return secrets;
}

describe.each(["pglite", "postgres"] as const)("[%s] after a whole life of the service", (kind) => {
  const told: Told = { tokens: new Set(), secrets: [], answers: [] };
  const canaries: Canaries = { label: canary(), request: canary() };
  const outputs: Running[] = [];
  let server: PostgresServer | undefined;
  let home: Home;
  let columns: readonly Column[];
  let search: Search;

  const databaseFolder = () => server?.dataDir ?? join(home.dataDir, "database");
  const openOwn = () =>
    openDatabase(server === undefined ? { folder: join(home.dataDir, "database") } : { url: server.url });

  async function statements(...texts: readonly string[]): Promise<void> {
    const database = await openOwn();
    for (const text of texts) await database.query(text);
    await database.close();
  }

  async function start(env?: Record<string, string>) {
    const service = await startService(builtBundle(), home, env);
    outputs.push(service);
    return service;
  }

  async function command(args: readonly string[], env: Record<string, string> = {}) {
    const running = run(builtBundle(), args, { env: { ...home.env, ...env } });
    outputs.push(running);
    return (await running.ended).code;
  }

  /** Asks for what cannot be done without a table that has gone: the database's errors, and what is said of them. */
  async function provokeDatabaseErrors(): Promise<void> {
    for (const tables of [["tokens", "sessions"], ["idempotency"]]) {
      await statements(...tables.map((table) => `alter table ${table} rename to ${table}_gone`));
      const service = await start();
      const client = createClient(service.url, (text) => told.answers.push(text));
      const body = { platform: "default", on_behalf_of: { subject: "erin" }, label: canaries.label };
      const as = { token: credential(home, "default.token") };
      const sessionCookie = "s".repeat(43);
      const answers = [
        await client.call("POST", "/v1/tokens", {
          as,
          body,
          headers: { "idempotency-key": `${tables[0]} is gone` },
        }),
        await client.call("GET", "/v1/tokens", { as: { session: sessionCookie } }),
      ];
      expect(answers.some(({ status }) => status >= 500)).toBe(true);
      await service.end("SIGTERM");
      await statements(...tables.map((table) => `alter table ${table}_gone rename to ${table}`));
    }
  }

  beforeAll(async () => {
    if (kind === "postgres") server = await startPostgres();
    home = server === undefined ? await newEmbeddedHome() : newHome(server.url);
    mkdirSync(home.dataDir, { recursive: true });
    if (server !== undefined) expect(await command(["bootstrap"])).toBe(0);
    const service = await start();
    const credentials = {
      platform: credential(home, "default.token"),
      administrator: credential(home, "admin.token"),
    };
    await tellStory(service.url, credentials, told, canaries);
    await service.end("SIGTERM");
    expect(await command(["bootstrap", "--reissue"])).toBe(0);
    for (const file of ["default.token", "admin.token"] as const) told.tokens.add(credential(home, file));
    await provokeDatabaseErrors();
    // Another master key, and a configuration that names secrets where none belong.
    const [token = ""] = told.tokens;
    expect(await command(["serve"], { MASTER_KEY: randomBytes(32).toString("base64"), PORT: "0" })).toBe(1);
    expect(await command(["serve"], { MASTER_KEY: `${home.env["MASTER_KEY"]}x`, PORT: token })).toBe(2);
    expect(await command(["serve", token])).toBe(2);

    await statements("analyze", "checkpoint");
    const database = await openOwn();
    columns = await readColumns(database);
    const secrets = await keysAndTails(database, home, told);
    await database.close();
    await server?.halt(); // a server that runs makes and removes files
    search = createSearch([...secrets, ...told.secrets]);
    expect(told.tokens.size).toBeGreaterThan(10);
    expect(secrets.filter(({ name }) => name === "a root key")).toHaveLength(6);
  });

  afterAll(async () => {
    endAll("SIGKILL"); // where the story broke off, its service still runs
    await server?.stop();
    home.remove();
  });

  const planted = (text: string) => createSearch([textSecret("the canary", text)]);
  const found = (findings: readonly Finding[]) => findings.map(({ secret, form }) => `${secret} as ${form}`);

  test("no log line and nothing that it said holds a secret", () => {
    const all = outputs.map((running) => running.output());
    expect(all.flatMap((output) => found(search.in(output)))).toEqual([]);
    const log = Buffer.concat(all);
    expect(planted(canaries.request).in(log).length).toBeGreaterThan(10);
    expect(log.toString()).toContain('"event":"fault"');
  });

  test("no answer holds a secret but those that hand one over", () => {
    expect(told.answers.length).toBeGreaterThan(100);
    const text = new TextEncoder().encode(told.answers.join("\n"));
    expect(found(search.in(text))).toEqual([]);
    expect(planted(canaries.label).in(text).length).toBeGreaterThan(0);
  });

  test("events and exports of the audit log are among what was searched", () => {
    const text = told.answers.join("\n");
    expect(text).toContain('"action":"verify.refused"');
    expect(text).toMatch(/"kind":"tile".*\n.*"kind":"event"/);
  });

  test("no column of any table holds a secret", () => {
    for (const { name, contents } of columns)
      expect({ name, found: found(search.in(contents)) }).toEqual({ name, found: [] });
    const names = columns.map(({ name }) => name);
    for (const name of ["root_keys.sealed", "idempotency.sealed", "sessions.id_hash", "revocations.dedup"]) {
      expect(names).toContain(`public.${name}`);
    }
    const withCanary = columns.filter(({ contents }) => planted(canaries.label).in(contents).length > 0);
    expect(withCanary.map(({ name }) => name.replace(/_\d{4}_\d{2}/, "")).sort()).toEqual([
      "public.audit_events.details",
      "public.revocations.reason",
      "public.tokens.label",
    ]);
  });

  test("no file of the database holds a secret", () => {
    let size = 0;
    let canaryFiles = 0;
    for (const { name, contents } of filesBelow(databaseFolder())) {
      size += contents.length;
      expect({ name, found: found(search.in(contents)) }).toEqual({ name, found: [] });
      if (planted(canaries.label).in(contents).length > 0) canaryFiles += 1;
    }
    expect(size).toBeGreaterThan(10_000_000);
    // The table's own, and the write-ahead log.
    expect(canaryFiles).toBeGreaterThan(1);
  });

  test("no other file holds a secret that is not meant to", () => {
    const others = [...filesBelow(home.dataDir)].filter(({ name }) => !name.startsWith("database/"));
    for (const { name, contents } of others) {
      const holds = search.in(contents).length > 0;
      expect({ name, holds }).toEqual({ name, holds: MEANT_TO.includes(name) });
    }
    expect(others.length).toBeGreaterThan(2);
    if (server === undefined) return;
    const log = readFileSync(join(dirname(server.dataDir), "log"));
    expect(log.toString()).toContain("ERROR:");
    expect(found(search.in(log))).toEqual([]);
  });

  test("and the search finds what lies where it should", () => {
    // Each secret in a file that is meant to hold it: the same search, so it can find them.
    const kept = readFileSync(join(home.dataDir, "admin.token"));
    expect(found(search.in(kept))).toContain("a token as raw bytes");
    const tails = search.in(kept).filter(({ secret }) => secret.startsWith("tail "));
    // The last one, and none before it: those would be the same credential with fewer caveats.
    expect(new Set(tails.map(({ offset }) => offset)).size).toBe(1);
  });
});
