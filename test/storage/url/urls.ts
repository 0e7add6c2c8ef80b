import type { DatabaseAddress, HostAddress } from "../../../src/storage/url/address.ts";

/** A server by TCP, in short. */
function tcp(host: string, port = 5432, address?: string): HostAddress {
  return { kind: "tcp", host, port, address };
}

/** A server by its socket, in short. */
function socket(path: string): HostAddress {
  return { kind: "socket", path };
}

type Tls = Partial<DatabaseAddress["tls"]>;
type Expected = Partial<Omit<DatabaseAddress, "tls">> & { readonly tls?: Tls };

const ANYWHERE = [
  socket("/var/run/postgresql/.s.PGSQL.5432"),
  socket("/tmp/.s.PGSQL.5432"),
  tcp("localhost"),
];

/** URLs that are understood, and what each says. */
export const UNDERSTOOD: readonly (readonly [url: string, says: Expected])[] = [
  // Hosts, ports, users, databases.
  ["postgres://h/d", { hosts: [tcp("h")], database: "d", user: undefined, password: undefined }],
  ["postgresql://h/d", { hosts: [tcp("h")], database: "d" }],
  ["postgres://u@h/d", { user: "u", password: undefined }],
  ["postgres://u:p@h:6543/d", { user: "u", password: "p", hosts: [tcp("h", 6543)] }],
  ["postgres://u:@h/d", { user: "u", password: undefined }],
  ["postgres://h", { hosts: [tcp("h")], database: undefined }],
  ["postgres://h/", { database: undefined }],
  ["postgres://h:/d", { hosts: [tcp("h", 5432)] }],
  ["postgres://h?dbname=d", { hosts: [tcp("h")], database: "d" }],
  ["postgres://db.example.co-op.test/d", { hosts: [tcp("db.example.co-op.test")] }],
  ["postgres://a_b.internal/d", { hosts: [tcp("a_b.internal")] }],
  ["  postgres://h/d\n", { hosts: [tcp("h")], database: "d" }],
  ["postgres://h/d?user=u&password=p&port=7", { user: "u", password: "p", hosts: [tcp("h", 7)] }],
  ["postgres://h/my%20data", { database: "my data" }],
  ["postgres://h/a/b", { database: "a/b" }],
  ["postgres://h/d#x", { database: "d#x" }],

  // Passwords, as libpq reads them: everything up to the @ is one.
  ["postgres://u:p%40ss@h/d", { password: "p@ss", hosts: [tcp("h")] }],
  ["postgres://u:p%2Fss@h/d", { password: "p/ss" }],
  ["postgres://u:p%25ss@h/d", { password: "p%ss" }],
  ["postgres://u:p#ss@h/d", { password: "p#ss", hosts: [tcp("h")], database: "d" }],
  ["postgres://u:p?ss@h/d", { password: "p?ss", hosts: [tcp("h")] }],
  ["postgres://u:p:s:s@h/d", { user: "u", password: "p:s:s" }],
  ["postgres://u:p[]s@h/d", { password: "p[]s" }],
  ["postgres://u:p&=s+s@h/d", { password: "p&=s+s" }],
  ["postgres://u%40corp:p@h/d", { user: "u@corp" }],
  ["postgres://u:%C3%BC@h/d", { password: "ü" }],
  ["postgres://u:ü@h/d", { password: "ü" }],
  ["postgres://h/d?user=me%40server&password=a%26b", { user: "me@server", password: "a&b" }],

  // Internet addresses.
  ["postgres://10.0.0.1/d", { hosts: [tcp("10.0.0.1")] }],
  ["postgres://[::1]/d", { hosts: [tcp("::1")] }],
  ["postgres://[2001:db8::1]:6432/d", { hosts: [tcp("2001:db8::1", 6432)] }],
  ["postgres://u:p@[2001:db8::1]/d", { user: "u", hosts: [tcp("2001:db8::1")] }],
  ["postgres://[fe80::1%25eth0]/d", { hosts: [tcp("fe80::1%eth0")] }],
  ["postgres://[::1]?dbname=d", { hosts: [tcp("::1")], database: "d" }],
  ["postgres://h/d?host=::1", { hosts: [tcp("::1")] }],
  ["postgres://db.example/d?hostaddr=10.0.0.7", { hosts: [tcp("db.example", 5432, "10.0.0.7")] }],
  ["postgres:///d?hostaddr=10.0.0.7", { hosts: [tcp("10.0.0.7", 5432, "10.0.0.7")] }],

  // Sockets.
  ["postgres:///d", { hosts: ANYWHERE, session: "any" }],
  ["postgres://", { hosts: ANYWHERE, database: undefined }],
  ["postgres:///?user=u", { hosts: ANYWHERE, user: "u" }],
  ["postgres:///d?host=/run/pg", { hosts: [socket("/run/pg/.s.PGSQL.5432")] }],
  ["postgres:///d?host=/run/pg&port=6000", { hosts: [socket("/run/pg/.s.PGSQL.6000")] }],
  ["postgres://localhost/d?host=/run/pg", { hosts: [socket("/run/pg/.s.PGSQL.5432")] }],
  ["postgres://%2Frun%2Fpg/d", { hosts: [socket("/run/pg/.s.PGSQL.5432")], database: "d" }],
  ["postgres://u:p@%2Frun%2Fpg:6000/d", { user: "u", hosts: [socket("/run/pg/.s.PGSQL.6000")] }],
  ["postgres:///d?host=%2Frun%2Fpg", { hosts: [socket("/run/pg/.s.PGSQL.5432")] }],
  ["postgres://%40pg/d", { hosts: [socket("\0pg/.s.PGSQL.5432")] }],
  ["postgres:///d?host=%40pg", { hosts: [socket("\0pg/.s.PGSQL.5432")] }],
  [
    "postgres:///d?port=6000",
    {
      hosts: [
        socket("/var/run/postgresql/.s.PGSQL.6000"),
        socket("/tmp/.s.PGSQL.6000"),
        tcp("localhost", 6000),
      ],
    },
  ],

  // Several hosts.
  ["postgres://a,b/d", { hosts: [tcp("a"), tcp("b")], session: "read-write" }],
  ["postgres://a:1,b:2,c/d", { hosts: [tcp("a", 1), tcp("b", 2), tcp("c")] }],
  ["postgres://u:p@a,b:2/d", { user: "u", password: "p", hosts: [tcp("a"), tcp("b", 2)] }],
  ["postgres://a,b/d?port=7", { hosts: [tcp("a", 7), tcp("b", 7)] }],
  ["postgres://a,[::1]:2/d", { hosts: [tcp("a"), tcp("::1", 2)] }],
  ["postgres:///d?host=a,b&port=1,2", { hosts: [tcp("a", 1), tcp("b", 2)] }],
  [
    "postgres://a,b/d?hostaddr=10.0.0.1,10.0.0.2",
    { hosts: [tcp("a", 5432, "10.0.0.1"), tcp("b", 5432, "10.0.0.2")] },
  ],
  ["postgres://a,b/d?target_session_attrs=any", { session: "any" }],
  ["postgres://a/d?target_session_attrs=read-write", { session: "read-write" }],
  ["postgres://a/d?target_session_attrs=primary", { session: "primary" }],
  ["postgres://a/d", { session: "any", shuffled: false }],
  ["postgres://a,b/d?load_balance_hosts=random", { shuffled: true }],

  // TLS.
  ["postgres://h/d", { tls: { encryption: "tls first", check: "none", namesHost: true, direct: false } }],
  ["postgres://localhost/d", { tls: { encryption: "plain first", check: "none" } }],
  ["postgres://127.0.0.1/d", { tls: { encryption: "plain first" } }],
  ["postgres://[::1]/d", { tls: { encryption: "plain first" } }],
  ["postgres://localhost,h/d", { tls: { encryption: "tls first" } }],
  ["postgres://localhost/d?hostaddr=10.0.0.1", { tls: { encryption: "tls first" } }],
  ["postgres:///d?host=/run/pg", { tls: { encryption: "plain first" } }],
  ["postgres://h/d?sslmode=disable", { tls: { encryption: "plain", check: "none" } }],
  ["postgres://h/d?sslmode=allow", { tls: { encryption: "plain first", check: "none" } }],
  ["postgres://localhost/d?sslmode=prefer", { tls: { encryption: "tls first", check: "none" } }],
  ["postgres://h/d?sslmode=require", { tls: { encryption: "tls", check: "none", authorities: undefined } }],
  [
    "postgres://h/d?sslmode=require&sslrootcert=/ca",
    { tls: { encryption: "tls", check: "authority", authorities: "/ca" } },
  ],
  [
    "postgres://h/d?sslmode=verify-ca&sslrootcert=/ca",
    { tls: { encryption: "tls", check: "authority", authorities: "/ca" } },
  ],
  [
    "postgres://h/d?sslmode=verify-full",
    { tls: { encryption: "tls", check: "name", authorities: undefined } },
  ],
  [
    "postgres://h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
    { tls: { check: "name", authorities: "/etc/ca.pem" } },
  ],
  [
    "postgres://h/d?sslrootcert=system",
    { tls: { encryption: "tls", check: "name", authorities: undefined } },
  ],
  [
    "postgres://h/d?sslmode=verify-full&sslrootcert=system",
    { tls: { check: "name", authorities: undefined } },
  ],
  ["postgres://h/d?ssl=true", { tls: { encryption: "tls", check: "none" } }],
  ["postgres://h/d?ssl=false", { tls: { encryption: "plain" } }],
  ["postgres://h/d?ssl=true&sslmode=verify-full", { tls: { check: "name" } }],
  [
    "postgres://h/d?sslcert=/c&sslkey=/k&sslpassword=p%3F&sslcrl=/r",
    { tls: { certificate: "/c", key: "/k", keyPassword: "p?", revoked: "/r" } },
  ],
  [
    "postgres://h/d?sslmode=require&sslsni=0&sslnegotiation=direct",
    { tls: { namesHost: false, direct: true } },
  ],
  [
    "postgres://h/d?ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=TLSv1.3",
    { tls: { lowest: "TLSv1.2", highest: "TLSv1.3" } },
  ],
  [
    "postgres://h/d?channel_binding=require",
    { channelBinding: "require", tls: { encryption: "tls", check: "none" } },
  ],
  ["postgres://h/d?channel_binding=disable", { channelBinding: "disable" }],
  ["postgres://h/d?sslmode=require&channel_binding=prefer", { channelBinding: "prefer" }],
  ["postgres://h/d?require_auth=scram-sha-256", { authMethods: ["scram-sha-256"] }],
  ["postgres://h/d?require_auth=!password,!none", { authMethods: ["md5", "scram-sha-256"] }],

  // What is said of the session.
  [
    "postgres://h/d",
    {
      applicationName: "bakehouse",
      options: undefined,
      connectTimeout: undefined,
      keepAlive: 0,
      pooled: false,
    },
  ],
  ["postgres://h/d?application_name=replica%201", { applicationName: "replica 1" }],
  ["postgres://h/d?fallback_application_name=f", { applicationName: "f" }],
  ["postgres://h/d?application_name=a&fallback_application_name=f", { applicationName: "a" }],
  ["postgres://h/d?options=-c%20geqo%3Doff", { options: "-c geqo=off" }],
  ["postgres://ep-cool.aws.neon.tech/d?options=endpoint%3Dep-cool", { options: "endpoint=ep-cool" }],
  ["postgres://h/d?connect_timeout=10", { connectTimeout: 10_000 }],
  ["postgres://h/d?connect_timeout=0", { connectTimeout: undefined }],
  ["postgres://h/d?connect_timeout=", { connectTimeout: undefined }],
  ["postgres://h/d?keepalives=0", { keepAlive: undefined }],
  [
    "postgres://h/d?keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3",
    { keepAlive: 30_000 },
  ],
  ["postgres://h/d?pgbouncer=true", { pooled: true }],
  ["postgres://h/d?pgbouncer=true&schema=public", { pooled: true }],
  ["postgres://h/d?client_encoding=UTF8&gssencmode=disable&tcp_user_timeout=1000", { database: "d" }],
  ["postgres://h/d?uselibpqcompat=true&sslmode=require", { tls: { check: "none", encryption: "tls" } }],

  // As providers print them.
  [
    "postgresql://neondb_owner:npg_x@ep-a-1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
    { channelBinding: "require", tls: { encryption: "tls", check: "none" } },
  ],
  [
    "postgres://postgres.abcd:p@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true",
    { user: "postgres.abcd", pooled: true, hosts: [tcp("aws-0-eu-central-1.pooler.supabase.com", 6543)] },
  ],
  [
    "postgres://me:p@shop.postgres.database.azure.com/postgres?sslmode=verify-full",
    { tls: { check: "name" } },
  ],
  [
    "postgres://u:p@/d?host=/cloudsql/project:region:instance",
    { hosts: [socket("/cloudsql/project:region:instance/.s.PGSQL.5432")], user: "u" },
  ],
  [
    "postgres://u:p@db-1.c1.eu-west-1.rds.amazonaws.com:5432/d?sslmode=verify-full&sslrootcert=/etc/ssl/rds.pem",
    { tls: { authorities: "/etc/ssl/rds.pem" } },
  ],
];

const ENCODE = "in user and password write % as %25, @ as %40, / as %2F, : as %3A, ? as %3F, # as %23";

/** URLs that are refused, and the reason that is given. `secret` never comes back. */
export const REFUSED: readonly (readonly [url: string, reason: string])[] = [
  // What is no URL of this kind.
  ["", "must be a URL that begins with postgres:// or postgresql://"],
  ["mysql://h/d", "must be a URL that begins with postgres:// or postgresql://"],
  ["jdbc:postgresql://h/d", "must be a URL that begins with postgres:// or postgresql://"],
  ["postgresql+psycopg://h/d", "must be a URL that begins with postgres:// or postgresql://"],
  ["postgres:/h/d", "must be a URL that begins with postgres:// or postgresql://"],
  ["'postgres://u:secret@h/d'", "begins with a quotation mark: take the quotes away"],
  [
    "host=h dbname=d password=secret",
    "is a list of settings: write it as postgres://user:password@host:port/database",
  ],

  // What is not percent-encoded.
  ["postgres://u:sec@ret@h/d", `has an @ too many: ${ENCODE}`],
  ["postgres://u:sec/ret@h/d", `has a / before its @: ${ENCODE}`],
  ["postgres://u:7/secret@h/d", `has an @ behind its / or ?: write it there as %40; ${ENCODE}`],
  ["postgres://u:7?secret=1/2@h/d", `has an @ behind its / or ?: write it there as %40; ${ENCODE}`],
  ["postgres://u:sec%ret@h/d", `has a % without two hexadecimal digits behind it; ${ENCODE}`],
  ["postgres://u:secret%@h/d", `has a % without two hexadecimal digits behind it; ${ENCODE}`],
  ["postgres://u:secret%00@h/d", "has a %00, which nothing in it can hold"],
  ["postgres://u:secret%FF@h/d", "has percent-encoded bytes that are no UTF-8"],
  ["postgres://u:se cret@h/d", "has white space in it: write a space as %20"],
  ["postgres://h/d?options=-c geqo=off", "has white space in it: write a space as %20"],
  [
    "postgres://h/d?options=-c%20geqo=off",
    "has parameter options with a second =: write = in a value as %3D",
  ],
  ["postgres://h/d?user=a@b", `has an @ behind its / or ?: write it there as %40; ${ENCODE}`],

  // Hosts and ports.
  ["postgres://h:port/d", `has a port that is not a number; ${ENCODE}`],
  ["postgres://h:0/d", "has a port that is not from 1 to 65535"],
  ["postgres://h:65536/d", "has a port that is not from 1 to 65535"],
  ["postgres://h:123456/d", "has a port that is not from 1 to 65535"],
  ["postgres://h/d?port=x", "has a port that is not from 1 to 65535"],
  ["postgres://a,,b/d", "has an empty host in its list of hosts"],
  ["postgres://a,b,c/d?port=1,2", "has another number of ports than of hosts"],
  ["postgres://a,b/d?hostaddr=10.0.0.1", "parameter hostaddr must name as many addresses as there are hosts"],
  ["postgres://%2Frun/d?hostaddr=10.0.0.1", "parameter hostaddr goes with names of hosts, not with a socket"],
  ["postgres://[::1/d", `has a [ without an IPv6 address and its ] behind it; ${ENCODE}`],
  ["postgres://[]/d", `has a [ without an IPv6 address and its ] behind it; ${ENCODE}`],
  ["postgres://[::1]x/d", `has something between an IPv6 address in brackets and what follows; ${ENCODE}`],
  ["postgres://[secret]/d", `has a character in its host that none has; ${ENCODE}`],
  ["postgres://h#x/d", `has a character in its host that none has; ${ENCODE}`],

  // Parameters.
  ["postgres://h/d?sslmode", "has parameter sslmode without a ="],
  ["postgres://h/d?%20x", "has a parameter without a ="],
  [
    "postgres://h/d?sslmode=verify_full",
    "parameter sslmode must be disable, allow, prefer, require, verify-ca or verify-full",
  ],
  ["postgres://h/d?sslmode=no-verify", "parameter sslmode is another client's no-verify: write require"],
  ["postgres://h/d?ssl=1", "parameter ssl must be true or false"],
  ["postgres://h/d?ssl=true&sslmode=disable", "parameter ssl contradicts sslmode"],
  [
    "postgres://h/d?sslmode=require&sslrootcert=system",
    "parameter sslrootcert is system, which needs sslmode=verify-full",
  ],
  ["postgres://h/d?sslcert=/c", "parameter sslcert goes with the other of sslcert and sslkey"],
  ["postgres://h/d?sslkey=/k", "parameter sslkey goes with the other of sslcert and sslkey"],
  [
    "postgres://h/d?sslnegotiation=direct",
    "parameter sslnegotiation is direct, which needs sslmode=require, verify-ca or verify-full",
  ],
  [
    "postgres://h/d?ssl_min_protocol_version=1.2",
    "parameter ssl_min_protocol_version must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3",
  ],
  [
    "postgres://h/d?sslmode=disable&channel_binding=require",
    "parameter channel_binding is require, which needs TLS: sslmode=require",
  ],
  ["postgres://h/d?channel_binding=yes", "parameter channel_binding must be disable, prefer or require"],
  [
    "postgres://h/d?require_auth=gss",
    "parameter require_auth must list some of none, password, md5, scram-sha-256, or each of those not wanted behind a !",
  ],
  [
    "postgres://h/d?require_auth=md5,!none",
    "parameter require_auth must list some of none, password, md5, scram-sha-256, or each of those not wanted behind a !",
  ],
  [
    "postgres://h/d?target_session_attrs=standby",
    "parameter target_session_attrs must be read-write, primary or any: the service writes",
  ],
  [
    "postgres://h/d?target_session_attrs=read-only",
    "parameter target_session_attrs must be read-write, primary or any: the service writes",
  ],
  [
    "postgres://h/d?target_session_attrs=master",
    "parameter target_session_attrs must be any, primary or read-write",
  ],
  ["postgres://h/d?connect_timeout=5s", "parameter connect_timeout must be a whole number"],
  ["postgres://h/d?connect_timeout=600", "parameter connect_timeout must be at most 60 seconds"],
  [
    "postgres://h/d?client_encoding=LATIN1",
    "parameter client_encoding must be UTF8: nothing else is spoken here",
  ],
  [
    "postgres://h/d?gssencmode=require",
    "parameter gssencmode must be disable or prefer: there is no Kerberos here",
  ],
  ["postgres://h/d?schema=tokens", "parameter schema must be public: the tables are there"],
  ["postgres://h/d?connection_limit=5", "parameter connection_limit is another client's: set DATABASE_POOL"],
  [
    "postgres://h/d?prepare=false",
    "parameter prepare is another client's: write pgbouncer=true where a pooler stands between",
  ],
  [
    "postgres://h/d?statement_cache_size=0",
    "parameter statement_cache_size is another client's: write pgbouncer=true where a pooler stands between",
  ],
  [
    "postgres://h/d?sslaccept=strict",
    "parameter sslaccept is another client's: write sslmode (require, verify-ca or verify-full)",
  ],
  ["postgres://h/d?pool_timeout=5", "parameter pool_timeout is another client's: take it out"],
  [
    "postgres://h/d?passfile=/x",
    "parameter passfile is not supported: write user and password into the URL, or name a file in DATABASE_URL_FILE",
  ],
  [
    "postgres://h/d?sslkeylogfile=/x",
    "parameter sslkeylogfile is not supported: it would write down the keys of every connection",
  ],
  ["postgres://h/d?krbsrvname=p", "parameter krbsrvname is not supported: there is no Kerberos here"],
  ["postgres://h/d?replication=database", "parameter replication must be off: this is no replica"],
  ["postgres://h/d?sslMode=require", "parameter sslMode is not known: sslmode is"],
  ["postgres://h/d?application-name=x", "parameter application-name is not known: application_name is"],
  ["postgres://h/d?frobnicate=1", "parameter frobnicate is not known: take it out"],
  ["postgres://h/d?sec%3Dret=1", "a parameter is not known: take it out"],
  ["postgres://h/d?constructor=1", "parameter constructor is not known: take it out"],
];
