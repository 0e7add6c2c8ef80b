/** What people run and this matrix has not, because it cannot be had on one machine without a network. */
export const NOT_TRIED: readonly string[] = [
  "distributed engines that speak Postgres' language (CockroachDB, YugabyteDB, Aurora DSQL, AlloyDB Omni): src/run/manual/postgres-features.md lists what is used of Postgres",
  "providers' own Postgres (RDS, Aurora, Cloud SQL, Azure, Neon, Supabase): the roles, TLS and poolers of their kind were stood in for",
  "other poolers than Debian's or Ubuntu's PgBouncer: PgBouncer from 1.21 with max_prepared_statements, Pgpool-II, Supavisor, RDS Proxy, Odyssey",
  "Postgres 14 and older, 19 and later; builds for other machines than this one; Windows",
  "client certificates, GSSAPI and LDAP as logins; a connection over TLS to a pooler",
];
