import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { ConnectError } from "../../src/storage/engine/error.ts";
import { openStore } from "../../src/storage/open.ts";
import { raw } from "../storage/raw.ts";
import { findProgram } from "../support/find-program.ts";
import { debianBinaries, type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { tellStory } from "./story.ts";
import { serverSettings, WAYS, type Way, type WayName } from "./ways.ts";

// The short form of `npm run matrix`. What is not installed, `npm test` prints at its end.

const NEEDS: Partial<Record<WayName, string>> = {
  TLS: "openssl",
  "PgBouncer, session mode": "pgbouncer",
  "PgBouncer, transaction mode": "pgbouncer",
  "PgBouncer, transaction mode, and DATABASE_DIRECT_URL": "pgbouncer",
};

const names = Object.keys(WAYS) as readonly WayName[];
const possible = names.filter((name) => {
  const needed = NEEDS[name];
  return needed === undefined || findProgram(needed) !== undefined;
});

const stock = debianBinaries();

describe("[postgres] the service's story", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    const tls = findProgram("openssl") !== undefined;
    server = await startPostgres({ fsync: false, ...serverSettings(tls) });
  });
  afterAll(() => server?.stop());

  test.each(possible.map((name, index) => ({ name, database: `story_${index}` })))(
    "$name",
    async ({ name, database }) => {
      const way: Way = await WAYS[name](server.url);
      onTestFinished(way.stop);
      const url = new URL(server.url);
      url.pathname = `/${database}`;
      const urls = way.urls(url.href);
      await raw(
        server.url,
        `create database ${database} owner ${new URL(urls.owner).username} template template0`,
      );
      let seen: unknown;
      await tellStory(urls, async () => {
        seen = await raw(
          server.url,
          `select distinct usename as user, ssl as encrypted from pg_stat_activity join pg_stat_ssl using (pid)
           where datname = '${database}' and application_name = 'bakehouse'`,
        );
      });
      expect(seen).toEqual([way.seen]);
    },
  );

  test.each(["LATIN1", "SQL_ASCII"])(
    "a %s database is refused at the start, in one line",
    async (encoding) => {
      const name = encoding.toLowerCase();
      await raw(server.url, `create database ${name} encoding '${encoding}' locale 'C' template template0`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      const refused = new ConnectError(
        `database ${url.host}/${name}: the database's encoding is not UTF8 (${encoding}): create it with: encoding 'UTF8' template template0`,
      );
      await expect(openStore({ place: { kind: "server", url: url.href } })).rejects.toEqual(refused);
    },
  );
});

describe.each(stock === undefined ? [] : [stock])("[postgres] the service's story on %s", (binaries) => {
  test("as the distribution ships it", async () => {
    const server = await startPostgres({ fsync: false, binaries });
    onTestFinished(server.stop);
    await tellStory({ owner: server.url, service: server.url });
  });
});
