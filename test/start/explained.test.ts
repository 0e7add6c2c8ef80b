import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { signingKeysFile } from "../../src/oidc/development/signing-keys.ts";
import { ensureMasterKey } from "../../src/run/data-dir.ts";
import { explainFailure } from "../../src/run/start-failure.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { StorageError } from "../../src/storage/engine/error.ts";
import { unavailable } from "../../src/storage/engine/guard.ts";
import { SOURCES, textOf } from "../architecture/source-graph.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";

const CANARY = "cAnArY";
const CONFIG = parseConfig({
  DATABASE_URL: `postgres://u:${CANARY}@db.example/tokens`,
  MASTER_KEY: "A".repeat(43),
  OIDC_ISSUER: "development",
});

/** An error as the system makes it. */
function systemError(code: string, members: Readonly<Record<string, string | number>>): Error {
  return Object.assign(new Error(`${code}: ${CANARY}`), { code, ...members });
}

describe("a failure that cannot be brought about here", () => {
  test.each([
    [
      "a port for administrators",
      systemError("EACCES", { syscall: "listen", address: "0.0.0.0", port: 80 }),
      "address 0.0.0.0:80 is not for this user to listen on (EACCES): set PORT to 1024 or more, or give this process the capability NET_BIND_SERVICE",
    ],
    [
      "an IPv6 address that is in use",
      systemError("EADDRINUSE", { syscall: "listen", address: "::1", port: 8080 }),
      "address [::1]:8080 is in use by another process (EADDRINUSE): stop that one, or set PORT to another port",
    ],
    [
      "a data folder that is somebody else's",
      systemError("EACCES", { syscall: "mkdir", path: "/srv/data" }),
      "/srv/data cannot be read and written by this user (EACCES): let this user write there, or set DATA_DIR to another folder",
    ],
    [
      "a data folder on a disk for reading",
      systemError("EROFS", { syscall: "open", path: "/srv/data/lock.sqlite" }),
      "/srv/data/lock.sqlite is on a disk that takes no writes (EROFS): set DATA_DIR to another folder",
    ],
    [
      "a disk that is full",
      systemError("ENOSPC", { syscall: "write", path: "/srv/data/master.key.draft" }),
      "/srv/data/master.key.draft has no room left (ENOSPC): make room on its disk, or set DATA_DIR to another folder",
    ],
    [
      "too many open files",
      systemError("EMFILE", { syscall: "open", path: "/srv/data" }),
      "this machine too many files are open (EMFILE): raise the limit (ulimit -n)",
    ],
    [
      "a database that does not answer any more",
      unavailable(),
      "database db.example:5432/tokens: the database did not answer: see its log, and the failed statement in ours",
    ],
    [
      "a right that is missing",
      new StorageError("platforms.insert", "42501"),
      "database db.example:5432/tokens: platforms.insert failed (42501): its role may not do that: grant it bakehouse_app, or migrate as the owner",
    ],
    [
      "a table that is missing",
      new StorageError("tokens.insert", "42P01"),
      "database db.example:5432/tokens: tokens.insert failed (42P01): something of its schema is missing: restore it from a backup",
    ],
    [
      "an answer that nobody understands",
      new StorageError("tokens.insert"),
      "database db.example:5432/tokens: tokens.insert failed (without a code): nothing of it was kept: see the server's log",
    ],
  ])("%s", async (_, error, line) => {
    expect(await explainFailure(error, CONFIG)).toMatchObject({ lines: [line], exit: 1 });
  });

  test("a fault of the program itself: its class and its place, and nothing that it says", async () => {
    const { lines } = await explainFailure(new TypeError(`cannot read ${CANARY}\n    at ${CANARY}`), CONFIG);
    expect(lines).toEqual([
      expect.stringMatching(
        /^unexpected TypeError at explained\.test\.ts:\d+:\d+: this is a fault of bakehouse itself$/,
      ),
    ]);
    expect((await explainFailure(CANARY)).lines).toEqual(["failed"]);
  });
});

describe("files of the data folder that are damaged", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bakehouse-damaged-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    [
      "master.key",
      () => ensureMasterKey(folder, systemRandomness),
      "does not hold 32 bytes in base64url: restore it from a backup",
    ],
    [
      "dev-idp.jwks",
      () => signingKeysFile(join(folder, "dev-idp.jwks")).load(),
      ", with the development identity provider's keys, is not JSON: remove it, and log in anew",
    ],
  ])("%s", async (name, load, says) => {
    writeFileSync(join(folder, name), CANARY);
    const error: unknown = await load().catch((thrown: unknown) => thrown);
    const line = `${join(folder, name)}${says.startsWith(",") ? "" : " "}${says}`;
    expect((await explainFailure(error)).lines).toEqual([line]);
  });
});

test("a package that is not whole says so, instead of Node's own words", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-part-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const script = join(folder, "bakehouse.js");
    writeFileSync(script, readFileSync(builtBundle()));
    const running = run(script, ["serve"]);
    expect((await running.ended).code).toBe(1);
    expect(running.stderr()).toMatch(
      /^bakehouse: this package is not whole, \S+\.js is missing \(ERR_MODULE_NOT_FOUND\): install it anew, or `npm ci && npm run build` in a checkout\n$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("every class of errors", () => {
  /** Those that never come to the end of a command, and the reason. */
  const INSIDE: Readonly<Record<string, string>> = {
    AlreadyThere: "bootstrap.ts catches it",
    CertificateFileError: "refusal.ts tells it in a ConnectError",
    ConsentEnded: "authorize.ts catches it",
    ConnectFault: "refusal.ts tells it in a ConnectError",
    EndedYes: "approvals.ts catches it",
    DatabaseUrlError: "the configuration tells it in a ConfigError",
    GrantGone: "token.ts catches it",
    HttpError: "answers a request",
    Invalid: "the configuration tells it in a ConfigError",
    NotAdopted: "move-log.ts catches it",
    OAuthError: "answers a request",
    ReadOnlyFinding: "open.ts makes a reason of it",
    ThrownReply: "answers a request",
  };

  test("is told at the end of a command, or does not come to it", () => {
    const explained = textOf("run/start-failure.ts");
    const layers = /^(config|domain|storage|oidc|http|run)\//;
    const classes = SOURCES.filter((file) => layers.test(file)).flatMap((file) =>
      [...textOf(file).matchAll(/class (\w+) extends (?!DomainError)\w*Error\b/g)].map(
        ([, name = ""]) => name,
      ),
    );
    expect(classes.length).toBeGreaterThan(10);
    expect(
      classes.filter((name) => !new RegExp(`\\b${name}\\b`).test(explained) && !(name in INSIDE)),
    ).toEqual([]);
    expect(Object.keys(INSIDE).filter((name) => !classes.includes(name))).toEqual([]);
  });
});
