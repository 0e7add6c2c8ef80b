import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseDatabaseUrl } from "../../../src/storage/url/parse.ts";
import { DatabaseUrlError, splitUrl } from "../../../src/storage/url/split.ts";
import { debianBinaries } from "../../support/postgres-server.ts";
import { REFUSED, UNDERSTOOD } from "./urls.ts";

const run = promisify(execFile);

describe("database URLs that are understood", () => {
  test.each(UNDERSTOOD.map(([url, says]) => ({ url, says })))("$url", ({ url, says }) => {
    const { tls, ...rest } = says;
    expect(parseDatabaseUrl(url)).toMatchObject({
      ...rest,
      ...(tls && { tls: expect.objectContaining(tls) }),
    });
  });
});

describe("database URLs that are refused", () => {
  test.each(REFUSED.map(([url, reason]) => ({ url, reason })))("$url", ({ url, reason }) => {
    expect(() => parseDatabaseUrl(url)).toThrow(new DatabaseUrlError(reason));
    expect(reason).not.toMatch(/secret|sec.?ret/);
  });
});

test("any user, password and database come back from a URL that encodes them", () => {
  const text = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((value) => value.isWellFormed() && !value.includes("\0"));
  fc.assert(
    fc.property(text, text, text, (user, password, database) => {
      const url = `postgres://${[user, password].map(encodeURIComponent).join(":")}@h:1/${encodeURIComponent(database)}`;
      expect(splitUrl(url)).toMatchObject({ user, password, database, hosts: ["h"], ports: ["1"] });
    }),
  );
});

test("no text makes anything but an address or a refusal that repeats nothing of it", () => {
  const piece = fc.constantFrom(
    "postgres://",
    "u",
    ":",
    "@",
    "/",
    "?",
    "#",
    "%",
    "%41",
    "[",
    "]",
    ",",
    "=",
    "&",
    "1",
    "host",
    "x7k9",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = `postgres://${pieces.join("")}`;
      try {
        expect(parseDatabaseUrl(text).hosts.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(DatabaseUrlError);
        if (text.includes("@")) expect(String(error)).not.toContain("x7k9");
      }
    }),
    { numRuns: 2_000 },
  );
});

// Its `pg_isready` tells where it would connect, without a server.
const stock = debianBinaries();

test(`hosts and ports are where libpq sees them${stock === undefined ? " (not compared: no Postgres is installed)" : ""}`, async () => {
  const ours =
    /[?&](pgbouncer|schema|hostaddr|uselibpqcompat|sslnegotiation|load_balance_hosts|require_auth|ssl|host)=|=system/;
  const compared = UNDERSTOOD.filter(
    ([url]) => /^postgres(ql)?:\/\/(u(:[^@/]*)?@)?h[:/?]/.test(url) && !ours.test(url),
  );
  expect(compared.length).toBeGreaterThan(20);
  await Promise.all(
    (stock === undefined ? [] : compared).map(async ([url]) => {
      const address = parseDatabaseUrl(url).hosts[0];
      const here = url.replace(/\bh(?=[:/?])/, "127.0.0.1").trim();
      // It fails, since nothing answers there.
      const said = await run(join(stock ?? "", "bin", "pg_isready"), ["-t", "1", "-d", here]).catch(
        (error: unknown) => error,
      );
      expect(said).toMatchObject({
        stdout: expect.stringContaining(`127.0.0.1:${address?.kind === "tcp" && address.port} - `),
      });
    }),
  );
});
