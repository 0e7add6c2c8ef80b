import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

import postgres from "postgres";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { lockFolder } from "../../src/storage/engine/folder-lock.ts";
import { emptyDatabaseUrl, testDatabaseUrl } from "../support/database.ts";
import { casesOf } from "../support/form.ts";
import { ownCommand } from "../support/own-command.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { scratchFolder } from "../support/scratch.ts";
import { BROKEN_STARTS, type BrokenStart, SETTINGS } from "./broken-start.ts";
import { type FakeBehaviour, startFakePostgres } from "./fake-postgres.ts";
import { makeCertificate } from "./made-certificate.ts";

/** The values of the names in braces. */
type Names = Record<string, string>;

const random = (bytes: number) => randomBytes(bytes).toString("hex");
const fill = (text: string, names: Names) =>
  text.replaceAll(/\{([a-z-]+)\}/g, (_, name: string) => {
    const value = names[name];
    if (value === undefined) throw new Error(`nothing is called {${name}}`);
    return value;
  });

/** Runs the built command. */
async function spawned(args: readonly string[], env: Names) {
  const running = run(builtBundle(), args, { env });
  const { code } = await running.ended;
  return { code, said: running.stderr().trimEnd().split("\n"), stdout: running.stdout() };
}

const shared: Names = {};
let admin: string;
const made: { readonly roles: Set<string>; readonly databases: Set<string> } = {
  roles: new Set(),
  databases: new Set(),
};

async function ask(database: string, statements: readonly string[]): Promise<void> {
  const url = new URL(admin);
  url.pathname = `/${database}`;
  const client = postgres(url.href, { max: 1, onnotice: () => {} });
  try {
    for (const text of statements) await client.unsafe(text);
  } finally {
    await client.end({ timeout: 2 });
  }
}

beforeAll(async () => {
  builtBundle();
  const urls = await Promise.all([testDatabaseUrl(), testDatabaseUrl(), emptyDatabaseUrl()]);
  const [migrated = "", bootstrapped = "", empty = ""] = urls.map((url) => new URL(url).pathname.slice(1));
  const url = new URL(urls[0]);
  admin = urls[0];
  Object.assign(shared, {
    admin: `${url.username}:${url.password}`,
    server: url.host,
    migrated,
    bootstrapped,
    empty,
    key: randomBytes(32).toString("base64url"),
    "no-name": `${"x".repeat(64)}.example`,
  });
  const folder = scratchFolder("bootstrapped");
  const settings = {
    ...SETTINGS.server,
    LOG_LEVEL: "silent",
    DATABASE_URL: "postgres://{admin}@{server}/{bootstrapped}?connect_timeout=60",
  };
  const environment = filled(settings, { ...shared, folder, secret: random(8) });
  expect(await ownCommand(["bootstrap"], environment)).toMatchObject({ code: 0 });
  rmSync(folder, { recursive: true });
});

afterAll(async () => {
  const drops = [
    ...[...made.databases].map((name) => `drop database if exists ${name} with (force)`),
    ...[...made.roles].map((name) => `drop role if exists ${name}`),
  ];
  await ask("postgres", drops);
});

function filled(settings: Names, names: Names): Names {
  return Object.fromEntries(Object.entries(settings).map(([name, text]) => [name, fill(text, names)]));
}

/** Brings about the state of one case. @returns the values of its names */
async function prepare({ files = {}, sql = {}, fake, taken }: BrokenStart): Promise<Names> {
  const folder = scratchFolder("broken");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const names: Names = {
    ...shared,
    folder,
    fresh: `bakehouse_broken_${random(4)}`,
    password: random(12),
    secret: random(12),
    "other-key": randomBytes(32).toString("base64url"),
    "hex-key": random(32),
    pid: String(process.pid),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, fill(text, names), { mode: 0o600 });
  }
  for (const [database, statements] of Object.entries(sql)) {
    made.databases.add(names["fresh"] ?? "");
    made.roles.add(names["fresh"] ?? "");
    await ask(
      fill(database, names),
      statements.map((text) => fill(text, names)),
    );
  }
  if (fake !== undefined) await startFake(fake, names);
  if (taken === "folder") {
    const database = join(folder, "database");
    mkdirSync(database);
    onTestFinished(lockFolder(database).release);
  }
  if (taken === "port") {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    names["taken"] = String(typeof address === "object" ? address?.port : address);
  }
  return names;
}

/** A line, in which `{any}` stands for any one word. */
function saying(line: string, names: Names): unknown {
  const parts = line
    .split("{any}")
    .map((part) => fill(part, names).replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return parts.length === 1
    ? fill(line, names)
    : expect.stringMatching(new RegExp(`^${parts.join("\\S+")}$`));
}

async function startFake(fake: NonNullable<BrokenStart["fake"]>, names: Names): Promise<void> {
  const server = await startFakePostgres(behaviourOf(fake, names));
  onTestFinished(server.close);
  names["fake"] = String(server.port);
}

function behaviourOf(fake: NonNullable<BrokenStart["fake"]>, names: Names): FakeBehaviour {
  if (fake.kind === "refuses") return { ...fake, words: fill(fake.words, names) };
  if (fake.kind !== "tls") return fake;
  const certificate = makeCertificate(fake.name, fake.days);
  const authority = join(names["folder"] ?? "", "authority.pem");
  writeFileSync(authority, certificate.certificate);
  names["authority"] = authority;
  return { kind: "tls", certificate };
}

const starts = BROKEN_STARTS.map((start) => [start.name, start] as const);
// The short form has one of those that need a process of their own.
const spawnedFirst = BROKEN_STARTS.find((start) => start.spawned);
test.each(casesOf(starts, ([, start]) => !start.spawned || start === spawnedFirst))(
  "%s",
  async (_, start) => {
    const names = await prepare(start);
    const level = start.spawned ? "trace" : "silent";
    const settings = { LOG_LEVEL: level, ...SETTINGS[start.on], ...start.environment };
    const environment = filled(settings, names);
    const args = (start.args ?? ["serve"]).map((text) => fill(text, names));
    const { code, said, stdout } = await (start.spawned
      ? spawned(args, environment)
      : ownCommand(args, environment, start.node));
    expect(said).toEqual(start.says.map((line) => saying(`bakehouse: ${line}`, names)));
    expect(code).toBe(start.code ?? 1);
    for (const name of ["password", "secret", "key", "other-key", "hex-key"])
      expect([...said, stdout].join("\n"), name).not.toContain(names[name]);
  },
);
