import { rmSync } from "node:fs";

import { afterAll, describe, inject } from "vitest";

import { type OpenedStore, type OpenStoreOptions, openStore } from "../../src/storage/open.ts";
import { copyEmbedded } from "./embedded-template.ts";
import { casesOf, formOfRun, isShort } from "./form.ts";
import { COPIED, MIGRATED, takeOver } from "./postgres-broker.ts";
import { reach } from "./reach.ts";
import { scratchFolder } from "./scratch.ts";

/** Which engine: the embedded one, or a server. */
export type DatabaseKind = "pglite" | "postgres";

/** An open store with an empty, migrated database of its own. */
export interface TestStore {
  readonly store: OpenedStore;
  readonly kind: DatabaseKind;
  /** The server's database, as its superuser reaches it directly; undefined for the embedded one. */
  readonly url?: string;
  /** The folder of the embedded database; undefined for a server. */
  readonly dataDir?: string;
  /** Moves the database's clock onward by so many milliseconds; it adds up. */
  shift(milliseconds: number): void;
  close(): Promise<void>;
}

/** What a test may set of a store. */
export type TestStoreOptions = {
  readonly kind: DatabaseKind;
  /** Whether it works as the owner of the schema, who fences and takes over. */
  readonly asOwner?: boolean;
} & Omit<OpenStoreOptions, "place" | "shiftDatabaseClock" | "migrationsFolder">;

/** Opens a store on a database of its own; whoever asked must close it. */
export async function openTestStore({
  kind,
  asOwner = false,
  ...options
}: TestStoreOptions): Promise<TestStore> {
  let shift = 0;
  const settings = {
    // A machine that is shared with other tests may be busy for longer than a healthy service ever is.
    deadline: 15_000,
    transactionDeadline: 30_000,
    ...options,
    shiftDatabaseClock: () => shift,
  };
  const common = {
    kind,
    shift(milliseconds: number) {
      shift += milliseconds;
    },
  };
  if (kind === "postgres") {
    const url = await askBroker(COPIED);
    const { owner, service, direct } = reach(url);
    const place = { kind: "server", url: asOwner ? owner : service, direct } as const;
    // Looking for migrations, which the copy has, and taking its log over would each need a session of its own. With
    // the roles and poolers of `npm run matrix` both are done, as a start does them.
    const isPlain = owner === url && service === url;
    const store = await openStore({ migrate: !isPlain, ...settings, place });
    if (isPlain) await store.revocations.takeOver();
    else await takeOver(url);
    return {
      ...common,
      store,
      url,
      async close() {
        await store.close();
        await askBroker(new URL(url).pathname, "DELETE");
      },
    };
  }
  const dataDir = scratchFolder("data");
  await copyEmbedded(dataDir);
  const store = await openStore({ ...settings, place: { kind: "folder", folder: dataDir } });
  return {
    ...common,
    store,
    dataDir,
    async close() {
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Makes a database with an up-to-date schema on the server and returns its URL. It goes when the test run ends. */
export async function testDatabaseUrl(): Promise<string> {
  return await askBroker(MIGRATED);
}

/** As {@link testDatabaseUrl}, without any schema. */
export async function emptyDatabaseUrl(): Promise<string> {
  return await askBroker("/");
}

async function askBroker(path: string, method = "GET"): Promise<string> {
  const response = await fetch(`${inject("databaseBroker")}${path}`, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`no test database: ${text}`);
  return text;
}

/** Opens a store as {@link openTestStore} does and closes it after the suite. */
export type OpenTestStore = (options?: Omit<TestStoreOptions, "kind">) => Promise<TestStore>;

/** Both of them. */
export const EACH_DATABASE: readonly DatabaseKind[] = ["pglite", "postgres"];

/**
 * The databases on which this run has what works alike on both: the short form has the server, which is what people
 * run, and the long form the embedded one. What such a suite leaves to one form by itself would never run on the other
 * database.
 */
export function databasesOfRun(): readonly DatabaseKind[] {
  return casesOf(EACH_DATABASE, (kind) => kind === "postgres");
}

/**
 * The databases of a suite that is shorter in the short form, which has the server; the long one has all of it on both.
 */
export function databasesAtLength(): readonly DatabaseKind[] {
  return isShort() ? ["postgres"] : EACH_DATABASE;
}

/**
 * The cases of a suite on {@link databasesAtLength} that are its own on one of them: a server's are shared out between the
 * two forms, and the embedded database, which only the long form has, gets all.
 *
 * @param isShort whether a case is one of the short form
 */
export function casesOn<T>(
  kind: DatabaseKind,
  all: readonly T[],
  isShort: (one: T, index: number) => boolean,
): readonly T[] {
  return kind === "postgres" ? casesOf(all, isShort) : all;
}

/**
 * Runs a suite on each database, as `[pglite] name` and `[postgres] name`.
 *
 * @param kinds the databases; those of the run unless said
 */
export function describeOnEachDatabase(
  name: string,
  suite: (open: OpenTestStore, kind: DatabaseKind) => void,
  kinds = databasesOfRun(),
): void {
  for (const kind of kinds) describeOn(kind, name, suite);
}

/** As {@link describeOnEachDatabase}, on both in the short form already: for what differs between them, and for little else. */
export function describeOnBoth(name: string, suite: (open: OpenTestStore, kind: DatabaseKind) => void): void {
  for (const kind of EACH_DATABASE) describeOn(kind, name, suite);
}

/** Runs a suite that is about a server, beside suites on each database: the long form of such a file has the others alone. */
export function describeOnServer(name: string, suite: (open: OpenTestStore) => void): void {
  if (formOfRun() !== "long") describeOn("postgres", name, suite);
}

/** Runs a suite on one engine, under a name by which it is counted. */
export function describeOn(
  kind: DatabaseKind,
  name: string,
  suite: (open: OpenTestStore, kind: DatabaseKind) => void,
): void {
  describe(`[${kind}] ${name}`, () => {
    const opened: TestStore[] = [];
    afterAll(async () => {
      for (const { close } of opened) await close();
    });
    suite(async (options) => {
      const test = await openTestStore({ ...options, kind });
      opened.push(test);
      return test;
    }, kind);
  });
}
