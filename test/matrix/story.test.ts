import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { raw } from "../storage/raw.ts";
import { findProgram } from "../support/find-program.ts";
import { atLength, casesOf } from "../support/form.ts";
import { debianBinaries, type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import { OTHER_ENCODINGS, openInEncoding } from "./encodings.ts";
import { tellStory } from "./story.ts";
import { missingFor, serverSettings, WAYS, type Way, type WayName } from "./ways.ts";

// The story alone, of what `npm run matrix` tries in each environment. What is not installed, `npm test` prints at its end.

/** The least that a role may have, and the pooler that shares the most. */
const SHORT: readonly WayName[] = ["least privilege", "PgBouncer, transaction mode"];

const possible = (Object.keys(WAYS) as readonly WayName[]).filter((name) => missingFor(name) === undefined);
const stock = debianBinaries();

describe("[postgres] the service's story", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    const tls = findProgram("openssl") !== undefined;
    server = await startPostgres({ fsync: false, ...serverSettings(tls) });
  });
  afterAll(() => server?.stop());

  const cases = possible.map((name, index) => ({ name, database: `story_${index}` }));
  test.each(casesOf(cases, ({ name }) => SHORT.includes(name) || possible.length === 1))(
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

  test.each(casesOf(OTHER_ENCODINGS, (_, index) => index === 0))(
    "a %s database is refused at the start, in one line",
    async (encoding) => {
      const { said, expected } = await openInEncoding(server.url, encoding);
      expect(said).toBe(expected);
    },
  );
});

atLength(() => {
  describe.each(stock === undefined ? [] : [stock])("[postgres] the service's story on %s", (binaries) => {
    test("as the distribution ships it", async () => {
      const server = await startPostgres({ fsync: false, binaries });
      onTestFinished(server.stop);
      await tellStory({ owner: server.url, service: server.url });
    });
  });
});
