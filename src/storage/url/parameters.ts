import { DatabaseUrlError, NAME } from "./split.ts";

/** Parameters that mean something here; `parse.ts` and `tls.ts` read them. */
const TAKEN = [
  "host",
  "hostaddr",
  "port",
  "dbname",
  "user",
  "password",
  "sslmode",
  "ssl",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslpassword",
  "sslcrl",
  "sslsni",
  "sslnegotiation",
  "ssl_min_protocol_version",
  "ssl_max_protocol_version",
  "channel_binding",
  "require_auth",
  "connect_timeout",
  "application_name",
  "fallback_application_name",
  "options",
  "target_session_attrs",
  "load_balance_hosts",
  "keepalives",
  "keepalives_idle",
  "pgbouncer",
] as const;
export type Taken = (typeof TAKEN)[number];

/** Parameters of which some values ask for nothing that is not so anyway, and all others for something that is not had. */
const HARMLESS: Readonly<Record<string, { readonly values: RegExp; readonly otherwise: string }>> = {
  // Every call has a deadline of its own, which is shorter than the ones that these could set.
  keepalives_interval: { values: /^\d+$/, otherwise: "must be a number of seconds" },
  keepalives_count: { values: /^\d+$/, otherwise: "must be a number" },
  tcp_user_timeout: { values: /^\d+$/, otherwise: "must be a number of milliseconds" },
  client_encoding: {
    values: /^(utf-?8|auto|unicode)$/i,
    otherwise: "must be UTF8: nothing else is spoken here",
  },
  gssencmode: {
    values: /^(disable|prefer)$/,
    otherwise: "must be disable or prefer: there is no Kerberos here",
  },
  sslcertmode: {
    values: /^(disable|allow)$/,
    otherwise: "must be allow: a server that wants a certificate asks for it",
  },
  sslcompression: { values: /^0$/, otherwise: "must be 0: compression under TLS betrays what is encrypted" },
  requiressl: { values: /^0$/, otherwise: "is written sslmode=require" },
  replication: { values: /^(false|off|no|0)$/, otherwise: "must be off: this is no replica" },
  schema: { values: /^public$/, otherwise: "must be public: the tables are there" },
  currentSchema: { values: /^public$/, otherwise: "must be public: the tables are there" },
  uselibpqcompat: { values: /^true$/, otherwise: "must be true: sslmode is read as libpq reads it" },
};

const NOT_HERE = "is not supported: take it out";
const WRITE_CREDENTIALS =
  "is not supported: write user and password into the URL, or name a file in DATABASE_URL_FILE";
const SET_POOL = "is another client's: set DATABASE_POOL";
const SET_POOLED = "is another client's: write pgbouncer=true where a pooler stands between";
const SET_SSLMODE = "is another client's: write sslmode (require, verify-ca or verify-full)";
const ANOTHERS = "is another client's: take it out";

/** Parameters that people bring along from libpq's wider world and from other clients, and the cure for each. */
const REFUSED: Readonly<Record<string, string>> = {
  passfile: WRITE_CREDENTIALS,
  service: WRITE_CREDENTIALS,
  servicefile: WRITE_CREDENTIALS,
  requirepeer: NOT_HERE,
  krbsrvname: "is not supported: there is no Kerberos here",
  gsslib: "is not supported: there is no Kerberos here",
  gssdelegation: "is not supported: there is no Kerberos here",
  sslcrldir: "is not supported: name one file with sslcrl",
  sslkeylogfile: "is not supported: it would write down the keys of every connection",
  scram_client_key: NOT_HERE,
  scram_server_key: NOT_HERE,
  min_protocol_version: NOT_HERE,
  max_protocol_version: NOT_HERE,
  oauth_issuer: NOT_HERE,
  oauth_client_id: NOT_HERE,
  oauth_client_secret: NOT_HERE,
  oauth_scope: NOT_HERE,
  connection_limit: SET_POOL,
  pool_size: SET_POOL,
  pool: SET_POOL,
  max: SET_POOL,
  pool_max_conns: SET_POOL,
  maxPoolSize: SET_POOL,
  prepare: SET_POOLED,
  prepareThreshold: SET_POOLED,
  prepared_statements: SET_POOLED,
  statement_cache_size: SET_POOLED,
  default_query_exec_mode: SET_POOLED,
  statement_cache_mode: SET_POOLED,
  sslaccept: SET_SSLMODE,
  sslidentity: "is another client's: write sslcert and sslkey, in PEM form",
  sslfactory: SET_SSLMODE,
  targetServerType: "is another client's: write target_session_attrs=primary",
  ApplicationName: "is another client's: write application_name",
  loginTimeout: "is another client's: write connect_timeout",
  tcpKeepAlive: "is another client's: write keepalives=1",
  search_path: "is not supported: the tables are in the schema public",
  pool_timeout: ANOTHERS,
  pool_min_conns: ANOTHERS,
  pool_max_conn_lifetime: ANOTHERS,
  pool_max_conn_idle_time: ANOTHERS,
  socket_timeout: ANOTHERS,
  socketTimeout: ANOTHERS,
  connectTimeout: "is another client's: write connect_timeout, in seconds",
  max_idle_connection_lifetime: ANOTHERS,
  idle_timeout: ANOTHERS,
  max_lifetime: ANOTHERS,
  conn_max_age: ANOTHERS,
  workaround: ANOTHERS,
  supa: ANOTHERS,
};

/**
 * Refuses each parameter that would otherwise be passed over: somebody expects something of it.
 *
 * @throws DatabaseUrlError which names it and the cure
 */
export function checkParameters(parameters: ReadonlyMap<string, string>): void {
  for (const [name, value] of parameters) {
    if (isTaken(name)) continue;
    const harmless = Object.hasOwn(HARMLESS, name) ? HARMLESS[name] : undefined;
    if (harmless?.values.test(value)) continue;
    const refusal = harmless?.otherwise ?? (Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined);
    if (refusal !== undefined) throw new DatabaseUrlError(`parameter ${name} ${refusal}`);
    throw new DatabaseUrlError(
      `${NAME.test(name) ? `parameter ${name}` : "a parameter"} is not known${meant(name)}`,
    );
  }
}

function isTaken(name: string): name is Taken {
  return TAKEN.some((taken) => taken === name);
}

/** The known name that differs only in case and dashes. */
function meant(name: string): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  const near = [...TAKEN, ...Object.keys(HARMLESS)].find((known) => plain(known) === plain(name));
  return near === undefined ? ": take it out" : `: ${near} is`;
}
