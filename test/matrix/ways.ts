import { randomBytes } from "node:crypto";
import { raw } from "../storage/raw.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { findProgram } from "../support/find-program.ts";
import { startPgBouncer } from "../support/pgbouncer.ts";
import type { PostgresSettings } from "../support/postgres-server.ts";
import type { Urls } from "../support/reach.ts";

/** A way in which a server is reached: over what, as whom, under which settings of the role. */
export interface Way {
  /** @param database URL of the superuser, directly */
  readonly urls: (database: string) => Urls;
  /** How the service's sessions look to the server. */
  readonly seen: { readonly user: string; readonly encrypted: boolean };
  readonly stop: () => Promise<void>;
}

/** The name of a way. */
export type WayName = keyof typeof WAYS;

const TLS_HOST = "localhost";
let certificates: Certificates | undefined;

/** The settings with which a server has all that the ways need, TLS if openssl is installed. */
export function serverSettings(tls: boolean): PostgresSettings {
  if (!tls) return {};
  certificates ??= makeCertificates(TLS_HOST);
  return { tls: certificates, rules: [`hostnossl all ${ROLES.encrypted} all reject`] };
}

const ROLES = {
  owner: "matrix_owner",
  service: "matrix_service",
  odd: "matrix_odd",
  encrypted: "matrix_encrypted",
} as const;

/** Settings that a role may have and the service must not feel. */
const ODD_SETTINGS: Readonly<Record<string, string>> = {
  bytea_output: "escape",
  datestyle: "German, DMY",
  timezone: "Asia/Kathmandu",
  intervalstyle: "sql_standard",
  extra_float_digits: "-15",
  client_encoding: "LATIN1",
  standard_conforming_strings: "off",
  search_path: "nowhere",
  // Over what a statement takes on a busy machine before ours is set, and under what the suites let statements wait.
  statement_timeout: "100ms",
  lock_timeout: "100ms",
  default_transaction_read_only: "on",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  synchronous_commit: "off",
  transform_null_equals: "on",
};

const none = async () => {};
const SUPERUSER = { user: "postgres", encrypted: false };

const plain: Way = {
  urls: (database) => ({ owner: database, service: database }),
  seen: SUPERUSER,
  stop: none,
};

/** Makes a role with a password of its own. */
async function role(admin: string, name: string, attributes: string): Promise<string> {
  const password = randomBytes(12).toString("hex");
  await raw(admin, `create role ${name} login ${attributes} password '${password}'`);
  return password;
}

function as(database: string, user: string, password: string): string {
  const url = new URL(database);
  url.username = user;
  url.password = password;
  return url.href;
}

/** A service that may do no more than it must, and an owner who is no superuser and may make no roles. */
async function leastPrivilege(admin: string): Promise<Way> {
  await raw(
    admin,
    "do $$ begin create role bakehouse_app nologin; exception when duplicate_object then null; end $$",
  );
  const owner = await role(admin, ROLES.owner, "nosuperuser nocreatedb nocreaterole");
  const service = await role(
    admin,
    ROLES.service,
    "nosuperuser nocreatedb nocreaterole in role bakehouse_app",
  );
  return {
    urls: (database) => ({
      owner: as(database, ROLES.owner, owner),
      service: as(database, ROLES.service, service),
    }),
    seen: { user: ROLES.service, encrypted: false },
    stop: none,
  };
}

async function oddRole(admin: string): Promise<Way> {
  const password = await role(admin, ROLES.odd, "superuser");
  for (const [name, value] of Object.entries(ODD_SETTINGS)) {
    await raw(
      admin,
      `alter role ${ROLES.odd} set ${name} = ${name === "search_path" ? value : `'${value}'`}`,
    );
  }
  const urls = (database: string) => as(database, ROLES.odd, password);
  return {
    urls: (database) => ({ owner: urls(database), service: urls(database) }),
    seen: { user: ROLES.odd, encrypted: false },
    stop: none,
  };
}

/** The server's name is checked, against an authority that only the URL names; in clear the role is not let in. */
async function overTls(admin: string): Promise<Way> {
  const password = await role(admin, ROLES.encrypted, "superuser");
  const encrypted = (database: string) => {
    const url = new URL(as(database, ROLES.encrypted, password));
    url.hostname = TLS_HOST;
    url.searchParams.set("sslmode", "verify-full");
    url.searchParams.set("sslrootcert", certificates?.authority ?? "");
    url.searchParams.set("channel_binding", "require");
    return url.href;
  };
  return {
    urls: (database) => ({ owner: encrypted(database), service: encrypted(database) }),
    seen: { user: ROLES.encrypted, encrypted: true },
    stop: none,
  };
}

function pooled(mode: "session" | "transaction", past = false) {
  return async (admin: string): Promise<Way> => {
    const { username, password } = new URL(admin);
    const pooler = await startPgBouncer({ mode, server: admin, users: { [username]: password } });
    const { through } = pooler;
    return {
      urls: (database) => ({
        owner: through(database),
        service: through(database),
        ...(past && { direct: database }),
      }),
      seen: SUPERUSER,
      stop: pooler.stop,
    };
  };
}

/** Each makes a way to a server, from its superuser's URL; once a server. */
export const WAYS = {
  plain: async () => plain,
  "least privilege": leastPrivilege,
  "odd role": oddRole,
  TLS: overTls,
  "PgBouncer, session mode": pooled("session"),
  "PgBouncer, transaction mode": pooled("transaction"),
  "PgBouncer, transaction mode, and DATABASE_DIRECT_URL": pooled("transaction", true),
} as const satisfies Readonly<Record<string, (admin: string) => Promise<Way>>>;

const NEEDS: Readonly<Partial<Record<WayName, string>>> = {
  TLS: "openssl",
  "PgBouncer, session mode": "pgbouncer",
  "PgBouncer, transaction mode": "pgbouncer",
  "PgBouncer, transaction mode, and DATABASE_DIRECT_URL": "pgbouncer",
};

/** The program that a way needs and that is not installed; undefined if it can be gone. */
export function missingFor(way: WayName): string | undefined {
  const needed = NEEDS[way];
  return needed === undefined || findProgram(needed) !== undefined ? undefined : needed;
}
