import type { LogServer, ServerIdentity } from "../../domain/ports/log-server.ts";
import type { LogPosition, LogState } from "../../domain/ports/revocations.ts";
import type { Run, Session } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { nullable, type Row, readBoolean, readInteger, readText } from "../engine/values.ts";
import { readHash } from "./rows.ts";

/** The log's one row and the server that answers, for the `from` of a statement. */
export const LOG = "revocation_log as log cross join bakehouse_log_server() as here";

/** The hash of a number in the log, as sequences hold it. @param number an SQL expression */
export function hashOf(number: string): string {
  return `encode(substr(case when ${number} = log.last_number then log.hash else coalesce(
      (select r.hash from revocations as r where r.number = ${number}),
      (select h.hash from revocation_hashes as h where h.number = ${number})) end, 1, 8), 'hex')`;
}

/** The columns that {@link toState} reads, as a list for SQL. @param known an SQL expression: the number of the hash */
export function stateColumns(known: string): string {
  return `log.epoch, log.last_number, encode(substr(log.hash, 1, 8), 'hex') as last_hash,
    ${hashOf(known)} as hash_at, ${SERVER_COLUMNS}`;
}

/** The columns that {@link toServer} reads, as a list for SQL. */
export const SERVER_COLUMNS = `log.system_identifier as home_system_identifier, log.database as home_database,
    log.timeline as home_timeline, log.disputed, log.synchronous as was_synchronous,
    here.in_recovery, here.system_identifier as here_system_identifier, here.database as here_database,
    here.timeline as here_timeline, bakehouse_is_synchronous() as is_synchronous`;

const STATE = `select ${stateColumns("$1::bigint")} from ${LOG}`;

/** Reads the log's state. @param known the number of the hash to read */
export async function readState(run: Run, known: number): Promise<LogState> {
  const [row] = await run("revocations.state", (session) => session.query(STATE, [known]));
  if (row === undefined) throw new StorageError("revocations.state");
  return toState(row);
}

/** Reads the log's end. */
export function toPosition(row: Row): LogPosition {
  return {
    epoch: readText(row["epoch"]),
    number: readInteger(row["last_number"]),
    hash: readHash(row["last_hash"]),
  };
}

/** Reads the log's state from a row with {@link stateColumns}. */
export function toState(row: Row): LogState {
  return { position: toPosition(row), hashAt: readHash(row["hash_at"]), server: toServer(row) };
}

/** Reads the log's servers from a row with {@link SERVER_COLUMNS}. */
export function toServer(row: Row): LogServer {
  return {
    inRecovery: readBoolean(row["in_recovery"]),
    here: toIdentity(row, "here"),
    home: toIdentity(row, "home"),
    disputed: nullable(readText)(row["disputed"]),
    wasSynchronous: readBoolean(row["was_synchronous"]),
    isSynchronous: readBoolean(row["is_synchronous"]),
  };
}

function toIdentity(row: Row, of: "here" | "home"): ServerIdentity {
  return {
    systemIdentifier: nullable(readText)(row[`${of}_system_identifier`]),
    database: nullable(readText)(row[`${of}_database`]),
    timeline: nullable(readInteger)(row[`${of}_timeline`]),
  };
}

/** Says that an entry is missing. @see RevocationStore.dispute */
export async function dispute(run: Run, epoch: string, sequence: string): Promise<void> {
  await change(run, "dispute", "select bakehouse_log_dispute($1, $2) as done", [epoch, sequence]);
}

/** Takes a promoted standby for the log's server. @see RevocationStore.adopt */
export async function adopt(run: Run, epoch: string): Promise<boolean> {
  return change(run, "adopt", "select bakehouse_log_adopt($1) as done", [epoch]);
}

/** Notes that all of the log is on a synchronous standby. @see RevocationStore.attest */
export async function attest(run: Run, epoch: string): Promise<void> {
  await change(run, "attest", "select bakehouse_log_attest($1) as done", [epoch]);
}

const TAKE_OVER = `
  update revocation_log as log set
    system_identifier = here.system_identifier, database = here.database, timeline = here.timeline
  from bakehouse_log_server() as here where log.singleton`;

/** Takes this server for the log's. @see RevocationStore.takeOver */
export async function takeOver(run: Run): Promise<void> {
  await run("revocations.takeOver", (session) => session.query(TAKE_OVER, []));
}

async function change(run: Run, name: string, text: string, values: readonly string[]): Promise<boolean> {
  const operation = `revocations.${name}`;
  const [row] = await run(operation, (session: Session) => session.query(text, values));
  if (row === undefined) throw new StorageError(operation);
  return readBoolean(row["done"]);
}
