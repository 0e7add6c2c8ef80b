import type { DatabaseAddress, HostAddress } from "../url/address.ts";
import { parseDatabaseUrl } from "../url/parse.ts";
import { CertificateFileError } from "./certificates.ts";
import { ConnectFault, type Fault } from "./fault.ts";
import { databaseOf } from "./login.ts";

/** Why a host was of no use. */
export interface Refusal {
  /** The fault, its code, and the cure; never anything secret. */
  readonly text: string;
  /** The server's, if it refused. */
  readonly sqlstate: string | undefined;
  /** Whether it may pass without anybody changing a setting: a server that starts, a name that is about to be known. */
  readonly passing: boolean;
  /** Whether it is there, and only has no room for a further connection. */
  readonly full: boolean;
  /** Whether it has not answered in time. */
  readonly late: boolean;
}

type Entry = readonly [what: string, cure: string, passing?: "passing" | undefined];

const CREDENTIALS = "correct the user and password in the URL";
const AUTHORITY = "name the file of its authority with sslrootcert";

const FAULTS: Readonly<Record<Fault, Entry>> = {
  closed: ["it closed the connection", "see its log, and that it is Postgres that listens there", "passing"],
  late: ["it did not answer in time", "see whether it is overloaded, or a firewall drops packets", "passing"],
  protocol: ["what answers there is not Postgres", "correct the host and port in the URL", "passing"],
  "no TLS": [
    "it offers no TLS, which sslmode demands",
    "switch TLS on there, or write sslmode=prefer or disable",
  ],
  "no direct TLS": ["it does not know sslnegotiation=direct", "take sslnegotiation out"],
  "no user": [
    "the URL names no user, and this process's own has no name",
    "write user and password into the URL",
  ],
  "no password": ["it asks for a password", "write user and password into the URL"],
  "login method": [
    "it asks for a login that require_auth does not allow",
    "change pg_hba.conf there, or require_auth",
  ],
  "no channel binding": [
    "it does not tie the login to the TLS connection, which channel_binding demands",
    "take channel_binding out and write sslmode=verify-full",
  ],
  standby: ["it is a standby", "name the primary's host, or all hosts", "passing"],
  encoding: ["the database's encoding is not UTF8", "create it with: encoding 'UTF8' template template0"],
};

const SYSTEM: Readonly<Record<string, Entry>> = {
  ECONNREFUSED: [
    "nothing listens there",
    "start the server, or correct the host and port in the URL",
    "passing",
  ],
  ENOTFOUND: ["the host's name is not known", "correct the host in the URL, or the name service", "passing"],
  EAI_AGAIN: ["the name service does not answer", "see this machine's name service", "passing"],
  ECONNRESET: [
    "it closed the connection",
    "see its log, and that it is Postgres that listens there",
    "passing",
  ],
  EPIPE: ["it closed the connection", "see its log, and that it is Postgres that listens there", "passing"],
  ETIMEDOUT: ["it cannot be reached", "see routes and firewalls", "passing"],
  EHOSTUNREACH: ["it cannot be reached", "see routes and firewalls", "passing"],
  ENETUNREACH: ["it cannot be reached", "see routes and firewalls", "passing"],
  ENOENT: ["there is no such socket", "start the server, or correct the folder in the URL", "passing"],
  EACCES: ["this user may not open the socket", "give it the right to, or connect by TCP"],
  ENOTDIR: ["there is no such socket", "correct the folder in the URL"],
};

const TLS: Readonly<Record<string, Entry>> = {
  CERT_HAS_EXPIRED: ["its certificate has expired", "renew it"],
  CERT_NOT_YET_VALID: ["its certificate is not valid yet", "set this machine's clock, or renew it"],
  CERT_REVOKED: ["its certificate was revoked", "renew it"],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "its certificate is made out to another name",
    "name the host as the certificate does, or write sslmode=verify-ca",
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["its certificate is signed by nobody else", AUTHORITY],
  SELF_SIGNED_CERT_IN_CHAIN: ["its certificate is of an authority that is not trusted", AUTHORITY],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["its certificate is of an authority that is not trusted", AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT: ["its certificate is of an authority that is not trusted", AUTHORITY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["its certificate is of an authority that is not trusted", AUTHORITY],
  UNABLE_TO_GET_CRL: ["the file of sslcrl has no list of that authority", "correct sslcrl, or take it out"],
  CRL_HAS_EXPIRED: ["the list in the file of sslcrl has expired", "renew it"],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: ["it asks for a certificate", "write sslcert and sslkey"],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ["it does not trust the authority of our certificate", "correct sslcert"],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: [
    "it speaks no common version of TLS",
    "see ssl_min_protocol_version",
  ],
  ERR_SSL_UNSUPPORTED_PROTOCOL: ["it speaks no common version of TLS", "see ssl_min_protocol_version"],
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: ["sslcert and sslkey do not belong together", "correct one of them"],
  ERR_OSSL_PEM_NO_START_LINE: ["a file of certificates or keys is not in PEM form", "convert it"],
  ERR_OSSL_BAD_DECRYPT: ["sslpassword does not open the file of sslkey", "correct it"],
};

const FULL = "53300";
const NO_RULE = "28000";

const STATES: Readonly<Record<string, Entry>> = {
  "28P01": ["the password was refused", CREDENTIALS],
  [NO_RULE]: ["the login was refused", "add a rule to pg_hba.conf there, or correct the user in the URL"],
  "3D000": ["there is no such database", "create it, or correct its name in the URL"],
  "42501": ["the user may not connect to this database", "grant connect on it to the user"],
  [FULL]: ["it has no connection left", "lower DATABASE_POOL, or raise the limit there", "passing"],
  "57P03": ["it is starting up or shutting down", "wait", "passing"],
  "57P01": ["it is shutting down", "wait", "passing"],
  "55000": ["the database takes no connections", "allow them: alter database … allow_connections true"],
  "22023": ["it refuses a setting in options", "correct options in the URL"],
  "42704": ["it does not know a setting in options", "correct options in the URL"],
  "0A000": ["it does not support what it was asked for", "see its log"],
  "08P01": ["it refused the start-up", "see its log; of a pooler: its users, its databases, its TLS"],
  XX000: ["it failed", "see its log"],
};

/**
 * Poolers that are full say so under codes that mean something else: PgBouncer (`no more connections allowed`), Supavisor
 * (`max clients reached`, `Max client connections reached`), Odyssey (`too many tcp connections`).
 */
const FULL_STATES: ReadonlySet<string> = new Set(["08P01", "XX000"]);
const FULL_WORDS =
  /no more connections allowed|max client connections|max clients reached|too many (?:\w+ )?(?:connections|clients)/i;

// Behind these the server's own words say more than the code does. They come before any login, or from a pooler.
const IN_ITS_WORDS = new Set(["28000", "08P01", "0A000", "22023", "42704", "XX000"]);

/** Says why a host was of no use. A server's own words are repeated without the password, in case it echoes it. */
export function explainRefusal(error: unknown, { password, tls }: DatabaseAddress): Refusal {
  if (error instanceof ConnectFault) {
    const about = error.about === "" ? "" : ` (${error.about})`;
    return { ...refusal(FAULTS[error.fault], about, undefined), late: error.fault === "late" };
  }
  if (error instanceof CertificateFileError) {
    return { text: error.message, sqlstate: undefined, passing: false, full: false, late: false };
  }
  const code = codeOf(error);
  if (code === undefined) return refusal(FAULTS[isEnd(error) ? "closed" : "protocol"], "", undefined);
  const system = own(SYSTEM, code) ?? own(TLS, code);
  if (system !== undefined) return refusal(system, ` (${code})`, undefined);
  if (!/^[0-9F-Z][0-9A-Z]{4}$/.test(code)) {
    const tls = /^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT|UNABLE)_/.test(code);
    return refusal(
      tls ? ["TLS failed", "see the server's log"] : ["it failed", "see its log", "passing"],
      ` (${code})`,
      undefined,
    );
  }
  const words = IN_ITS_WORDS.has(code) || own(STATES, code) === undefined ? wordsOf(error, password) : "";
  const passing = /^(08|53|57|58)/.test(code) && code !== "08P01" ? "passing" : undefined;
  const full = code === FULL || (FULL_STATES.has(code) && FULL_WORDS.test(words));
  const [what, cure, lasting] = own(STATES, full ? FULL : code) ?? [
    "it refused the connection",
    "see its log",
    passing,
  ];
  const wantsTls =
    code === NO_RULE && tls.encryption === "plain" ? "write sslmode=require if it insists on TLS, or " : "";
  return { ...refusal([what, `${wantsTls}${cure}`, lasting], ` (${code}${words})`, code), full };
}

function refusal([what, cure, passing]: Entry, about: string, sqlstate: string | undefined): Refusal {
  const text = `${what}${about}: ${cure}`;
  return { text, sqlstate, passing: passing !== undefined, full: false, late: false };
}

/** Names a server and a database for people. */
export function placeOf(host: HostAddress, address: DatabaseAddress): string {
  const server =
    host.kind === "socket"
      ? host.path.replace("\0", "@")
      : `${host.host.includes(":") ? `[${host.host}]` : host.host}:${host.port}`;
  return `${server}/${databaseOf(address)}`;
}

/** Names all servers of a URL, and the database, for people. */
export function placesOf(url: string): string {
  const address = parseDatabaseUrl(url);
  return address.hosts.map((host) => placeOf(host, address)).join(" or ");
}

function own(table: Readonly<Record<string, Entry>>, code: string): Entry | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" && /^[A-Z0-9_]{4,64}$/.test(code) ? code : undefined;
}

/** Whether this is how the driver says that the other side hung up. */
function isEnd(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Connection terminated");
}

function wordsOf(error: unknown, password: string | undefined): string {
  if (!(error instanceof Error)) return "";
  const said = password === undefined ? error.message : error.message.replaceAll(password, "…");
  return `, ${said.replaceAll(/\p{Cc}+/gu, " ").slice(0, 200)}`;
}
