import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ConfigError } from "../../src/config/environment.ts";
import { fileVariable, SETTINGS, type SettingName } from "../../src/config/settings.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import { createAuthority } from "../support/authority.ts";

const KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const KEY_HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const CANARY = "cAnArY";

/** Settings of a service, of which each may come from a file. */
const SET = {
  DATABASE_URL: "postgres://u:p@db.example/bakehouse",
  DATABASE_DIRECT_URL: "postgres://u:p@direct.example/bakehouse",
  MASTER_KEY: KEY,
  MASTER_KEY_PREVIOUS: KEY,
  OIDC_ISSUER: "https://login.example.com",
  OIDC_CLIENT_ID: "bakehouse",
  OIDC_CLIENT_SECRET: "s3cret with space ",
  WEBHOOK_URL: "https://hooks.example/",
  WEBHOOK_SECRET: KEY,
  HTTPS_PROXY: "http://u:p@proxy.example:3128",
  HTTP_PROXY: "http://u:p@proxy.example:3129",
};

const SECRETS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => fileVariable(name) !== undefined);

/** What a configuration says, its secrets revealed. */
function shown(config: Config): unknown {
  const hex = (secret: Config["masterKey"]) => secret && Buffer.from(secret.reveal()).toString("hex");
  const { masterKey, previousMasterKey, webhook, warnings: _, ...rest } = config;
  const keys = [hex(masterKey), hex(previousMasterKey), hex(webhook?.secret)];
  return { ...rest, keys, url: webhook?.url };
}

function failureOf(environment: Readonly<Record<string, string>>): ConfigError {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

/** Does something as a user who may not read everything: root may. Only a process can, no thread of it: `npm run mutants` leaves it out. */
function asNobody<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

describe("secrets in files", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "bakehouse-secrets-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  let files = 0;
  function file(content: string | Uint8Array, mode = 0o600): string {
    const path = join(folder, `secret-${files++}`);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  test("every secret and every database's URL can be in one", () => {
    expect(SECRETS.sort()).toEqual(
      Object.keys(SET)
        .filter((name) => !["OIDC_ISSUER", "OIDC_CLIENT_ID", "WEBHOOK_URL"].includes(name))
        .sort(),
    );
  });

  test.each(SECRETS)("%s_FILE is as good as the variable, whatever ends its line", (name) => {
    const value = Reflect.get(SET, name) as string;
    const { [name as "MASTER_KEY"]: _, ...others } = SET;
    const expected = shown(parseConfig(SET));
    for (const end of ["", "\n", "\r\n", "\n\n"]) {
      const config = parseConfig({ ...others, [name]: "", [`${name}_FILE`]: file(value + end) });
      expect(shown(config)).toEqual(expected);
      expect(config.warnings).toEqual([]);
    }
  });

  test("authorities are public: their file may be read by everybody, is long, and must hold certificates", () => {
    const authority = createAuthority().cert;
    const many = `# ours\n${authority}${"#".repeat(200_000)}\n${createAuthority().cert}`;
    const config = parseConfig({ ...SET, OIDC_CA_FILE: file(many, 0o644) });
    expect(config.providerNetwork.authorities).toHaveLength(2);
    expect(config.providerNetwork.authorities[0]).toBe(authority);
    expect(config.warnings).toEqual([]);
    const problems = (contents: string) => failureOf({ ...SET, OIDC_CA_FILE: file(contents) }).problems;
    expect(problems("no certificate")).toEqual(["OIDC_CA_FILE: the file holds no certificate in PEM"]);
    expect(problems(authority.replace(/^MII/m, "AAA"))).toEqual([
      "OIDC_CA_FILE: certificate 1 of the file cannot be read",
    ]);
    expect(problems("#".repeat(1_048_577))).toEqual(["OIDC_CA_FILE: the file is longer than 1024 KiB"]);
    expect(failureOf({ ...SET, OIDC_CA_FILE: join(folder, "none") }).problems).toEqual([
      "OIDC_CA_FILE: cannot be read (ENOENT): name a file that this user may read",
    ]);
  });

  test("all of them at once, and through links as Kubernetes mounts them", () => {
    const data = join(folder, "..data");
    mkdirSync(data);
    const environment = Object.fromEntries(
      Object.entries(SET).map(([name, value]) => {
        if (!SECRETS.includes(name as SettingName)) return [name, value];
        writeFileSync(join(data, name), `${value}\n`, { mode: 0o400 });
        symlinkSync(join("..data", name), join(folder, name));
        return [`${name}_FILE`, join(folder, name)];
      }),
    );
    expect(shown(parseConfig(environment))).toEqual(shown(parseConfig(SET)));
  });

  test("spaces at the end are kept, since a password may end with them", () => {
    const { OIDC_CLIENT_SECRET: _, ...others } = SET;
    const config = parseConfig({ ...others, OIDC_CLIENT_SECRET_FILE: file("a b \n") });
    expect(config.oidc).toMatchObject({ clientSecret: "a b " });
  });

  test.each(SECRETS)("%s and its file at once are refused: nobody knows which is meant", (name) => {
    const environment = { ...SET, [`${name}_FILE`]: file("x") };
    expect(failureOf(environment).problems).toEqual([`${name}: set it or ${name}_FILE, not both`]);
  });

  test.each([
    [
      "that is not there",
      () => join(folder, CANARY),
      "cannot be read (ENOENT): name a file that this user may read",
    ],
    ["that is a folder", () => folder, "cannot be read (EISDIR): name a file that this user may read"],
    ["without an end", () => "/dev/zero", "the file is longer than 64 KiB"],
    ["that is too long", () => file("x".repeat(65 * 1024)), "the file is longer than 64 KiB"],
    ["that is empty", () => file(""), "the file is empty"],
    ["of an end of line alone", () => file("\r\n\n"), "the file is empty"],
    ["that is no text", () => file(Uint8Array.of(0xff, 0xfe, 0x41)), "the file is no UTF-8"],
  ])("a file %s", (_, path, reason) => {
    const { MASTER_KEY: __, ...others } = SET;
    const { problems, message } = failureOf({ ...others, MASTER_KEY_FILE: path() });
    expect(problems).toEqual([`MASTER_KEY_FILE: ${reason}`]);
    expect(message).not.toContain(CANARY);
  });

  test("[process] a file that this user may not read", () => {
    const path = file(CANARY, 0o000);
    chmodSync(folder, 0o755);
    const { MASTER_KEY: __, ...others } = SET;
    const problems = asNobody(() => failureOf({ ...others, MASTER_KEY_FILE: path }).problems);
    expect(problems).toEqual([
      "MASTER_KEY_FILE: cannot be read (EACCES): name a file that this user may read",
    ]);
  });

  test("what a file holds is refused by the file's name, and never repeated", () => {
    const { DATABASE_URL: _, ...others } = SET;
    const { problems, message } = failureOf({ ...others, DATABASE_URL_FILE: file(`mysql://${CANARY}`) });
    expect(problems).toEqual([
      "DATABASE_URL_FILE: must be a URL that begins with postgres:// or postgresql://",
    ]);
    expect(message).not.toContain(CANARY);
  });

  test.each([0o644, 0o604, 0o602])("a file of mode %o is named, and read", (mode) => {
    const { MASTER_KEY: _, ...others } = SET;
    const config = parseConfig({ ...others, MASTER_KEY_FILE: file(KEY, mode) });
    expect(config.warnings).toEqual([
      "MASTER_KEY_FILE: every user of this machine can read or write the file: chmod 600 it",
    ]);
    expect(shown(config)).toMatchObject({ keys: [KEY_HEX, KEY_HEX, KEY_HEX] });
  });

  test.each([0o600, 0o400, 0o440, 0o640])("a file of mode %o is nobody else's", (mode) => {
    const { MASTER_KEY: _, ...others } = SET;
    expect(parseConfig({ ...others, MASTER_KEY_FILE: file(KEY, mode) }).warnings).toEqual([]);
  });
});

describe("variables that are no settings", () => {
  test.each([
    ["OIDC_ISSUER_FILE", "OIDC_ISSUER_FILE is no setting and is ignored: OIDC_ISSUER is one"],
    ["PORT_FILE", "PORT_FILE is no setting and is ignored: PORT is one"],
    ["PORTT", "PORTT is no setting and is ignored: PORT is one"],
    ["BAKEHOUSE_DATA_DIR", "BAKEHOUSE_DATA_DIR is no setting and is ignored: DATA_DIR is one"],
    ["OIDC_CLIENTSECRET", "OIDC_CLIENTSECRET is no setting and is ignored: OIDC_CLIENT_SECRET is one"],
    ["OIDC_CLIENT_SECERT", "OIDC_CLIENT_SECERT is no setting and is ignored: OIDC_CLIENT_SECRET is one"],
    [
      "OIDC_CLIENT_SECRETFILE",
      "OIDC_CLIENT_SECRETFILE is no setting and is ignored: OIDC_CLIENT_SECRET_FILE is one",
    ],
    ["DATABASE_URI", "DATABASE_URI is no setting and is ignored: DATABASE_URL is one"],
    ["database_url", "database_url is no setting and is ignored: DATABASE_URL is one"],
    ["DATABASE_ULR", "DATABASE_ULR is no setting and is ignored: DATABASE_URL is one"],
    ["MASTERKEY", "MASTERKEY is no setting and is ignored: MASTER_KEY is one"],
    ["TRUSTED_PROXY", "TRUSTED_PROXY is no setting of this version and is ignored"],
    ["OIDC_SCOPES", "OIDC_SCOPES is no setting of this version and is ignored"],
    ["DATABASE_PASSWORD", "DATABASE_PASSWORD is no setting of this version and is ignored"],
    ["MASTER_KEY_2", "MASTER_KEY_2 is no setting of this version and is ignored"],
    ["WEBHOOK_TOKEN", "WEBHOOK_TOKEN is no setting of this version and is ignored"],
  ])("%s is named, and not its value", (name, line) => {
    expect(parseConfig({ [name]: CANARY }).warnings).toEqual([line]);
  });

  test("they are named beside what is wrong for want of them", () => {
    const { problems, warnings } = failureOf({
      OIDC_ISSUER: "https://login.example.com",
      OIDC_CLIENTID: "bakehouse",
    });
    expect(problems).toEqual(["OIDC_CLIENT_ID: is needed with an OIDC_ISSUER"]);
    expect(warnings).toEqual(["OIDC_CLIENTID is no setting and is ignored: OIDC_CLIENT_ID is one"]);
  });

  test("others' are none of our business", () => {
    const others = {
      PATH: "/usr/bin",
      HOME: "/root",
      HOSTNAME: "pod-1",
      TMPDIR: "/tmp",
      NODE_ENV: "production",
      LOGNAME: "root",
      PWD: "/",
      PORTS: "1",
      OTEL_SERVICE_NAME: "bakehouse",
      OTEL_EXPORTER_OTLP_HEADERS: "x",
      BAKEHOUSE_URL: "http://127.0.0.1:8080",
      BAKEHOUSE_CREDENTIAL_FILE: "/x",
      // What Kubernetes sets for services that are called `bakehouse`, `oidc` and `database`.
      BAKEHOUSE_PORT: "tcp://10.0.0.1:8080",
      BAKEHOUSE_SERVICE_HOST: "10.0.0.1",
      OIDC_SERVICE_HOST: "10.0.0.2",
      OIDC_SERVICE_PORT_HTTPS: "443",
      OIDC_PORT: "tcp://10.0.0.2:443",
      DATABASE_PORT_5432_TCP: "tcp://10.0.0.3:5432",
      DATABASE_PORT_5432_TCP_ADDR: "10.0.0.3",
      "OIDC_x\u001b[31m": "1",
      OIDC_SCOPES: "",
    };
    expect(parseConfig(others).warnings).toEqual([]);
  });
});
