import type { Run, Session } from "./engine/connection.ts";
import { StorageError } from "./engine/error.ts";
import { nullable, readInteger, readText } from "./engine/values.ts";
import { missing, readApplied } from "./migrate/applied.ts";
import { type Migration, MigrationError } from "./migrate/migrations.ts";

/** A server that follows this one, as far as the role may see it. */
export interface Standby {
  readonly name: string;
  /** `streaming`, or what it does instead; null for a role that may not see it. */
  readonly state: string | null;
  /** `sync`, `quorum`, `potential`, `async`. */
  readonly sync: string | null;
  /** Milliseconds by which it is behind; null if nobody knows. */
  readonly lag: number | null;
}

/** What an operator wants to know of a database before the service relies on it. */
export interface DatabaseFacts {
  /** As the server says it. */
  readonly version: string;
  /** As a number: 170004 is 17.4. */
  readonly versionNumber: number;
  /** The migrations that this version of the program would apply. */
  readonly lacks: readonly string[];
  /** Why this version must not work on the schema; undefined if it may. */
  readonly schemaProblem: string | undefined;
  readonly role: string;
  /** Whether the role owns the tables or is a superuser: it can do more than the service needs. */
  readonly isOwner: boolean;
  /** Whether there is a role `bakehouse_app`, whose rights are those that the service needs. */
  readonly hasAppRole: boolean;
  /** Rights that the service needs and this role lacks, such as `insert on tokens`. */
  readonly lackingRights: readonly string[];
  /** Milliseconds by which a standby is behind its primary; null on a primary. */
  readonly behind: number | null;
  /** The setting `synchronous_standby_names`. */
  readonly synchronousNames: string;
  readonly standbys: readonly Standby[];
}

const NO_RIGHT = "42501";

const SERVER = `
  select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
    current_user::text as role, current_setting('synchronous_standby_names') as names,
    (select rolsuper from pg_roles where rolname = current_user) as super,
    exists (select from pg_roles where rolname = 'bakehouse_app') as app,
    coalesce((select pg_has_role(current_user, c.relowner, 'usage') from pg_class as c
      where c.oid = to_regclass('public.tokens')), false) as owner,
    case when pg_is_in_recovery()
      then floor(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::bigint end as behind`;

// The role of the service has what bakehouse_app has, by itself or by being a member. Where a migration was applied by a role that
// could not grant, bakehouse_app itself lacks what is new: tables that it may not read.
const RIGHTS = `
  with tables as (
    select c.oid, c.relname as name from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relowner = (select o.relowner from pg_class as o where o.oid = to_regclass('public.tokens'))
  ), wanted as (
    select t.name, p.privilege, has_table_privilege('bakehouse_app', t.oid, p.privilege) as granted,
      has_table_privilege(t.oid, p.privilege) as there
    from tables as t cross join unnest(array['select', 'insert', 'update', 'delete']) as p (privilege)
    union all
    select t.name || '.' || a.attname, 'update', has_column_privilege('bakehouse_app', t.oid, a.attnum, 'update'),
      has_column_privilege(t.oid, a.attnum, 'update')
    from tables as t join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where not has_table_privilege('bakehouse_app', t.oid, 'update')
    union all
    select f.proname || '()', 'execute', has_function_privilege('bakehouse_app', f.oid, 'execute'),
      has_function_privilege(f.oid, 'execute')
    from pg_proc as f where f.pronamespace = 'public'::regnamespace and f.proname like 'bakehouse\\_%'
  )
  select w.privilege || ' on ' || w.name as lacking from wanted as w
  where not w.there and (w.granted or w.privilege = 'select')
  order by lacking limit 50`;

const STANDBYS = `
  select coalesce(application_name, '') as name, state, sync_state,
    floor(extract(epoch from replay_lag) * 1000)::bigint as lag
  from pg_stat_replication order by name limit 50`;

/** Examines the database, and changes nothing. Parts that an engine does not have are left out. */
export async function examineDatabase(
  run: Run,
  migrations: readonly Migration[],
  version: string | undefined,
): Promise<DatabaseFacts> {
  return run("examine", async (session) => {
    const [row] = await session.query(SERVER, []);
    const hasAppRole = row?.["app"] === true;
    return {
      version: readText(row?.["version"]),
      versionNumber: readInteger(row?.["number"]),
      ...(await schemaOf(session, migrations, version)),
      role: readText(row?.["role"]),
      isOwner: row?.["super"] === true || row?.["owner"] === true,
      hasAppRole,
      lackingRights: hasAppRole
        ? (await session.query(RIGHTS, [])).map(({ lacking }) => readText(lacking))
        : [],
      behind: nullable(readInteger)(row?.["behind"] ?? null),
      synchronousNames: readText(row?.["names"]),
      standbys: (await session.query(STANDBYS, [])).map((standby) => ({
        name: readText(standby["name"]),
        state: nullable(readText)(standby["state"]),
        sync: nullable(readText)(standby["sync_state"]),
        lag: nullable(readInteger)(standby["lag"]),
      })),
    };
  });
}

async function schemaOf(
  session: Session,
  migrations: readonly Migration[],
  version: string | undefined,
): Promise<Pick<DatabaseFacts, "lacks" | "schemaProblem">> {
  try {
    const todo = missing(migrations, await readApplied(session), version);
    return { lacks: todo.map(({ tag }) => tag), schemaProblem: undefined };
  } catch (error) {
    if (error instanceof StorageError && error.sqlstate === NO_RIGHT)
      return { lacks: [], schemaProblem: "its role may not read which migrations were applied" };
    if (!(error instanceof MigrationError)) throw error;
    return { lacks: [], schemaProblem: error.message };
  }
}
