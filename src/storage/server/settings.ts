/** The settings that every transaction must find, however the role, the database or a pooler's last client left its session. */
export interface TransactionSettings {
  /** When the server gives up a statement, milliseconds; 0 for never. */
  readonly statementTimeout: number;
  /** When the server gives up a transaction that asks for nothing, milliseconds. */
  readonly idleInTransactionTimeout: number;
}

/** Begins a transaction, against any default of the role. */
export const BEGIN = "begin isolation level read committed";
/** The same for a role that is set to read only. Not for everybody: a standby refuses even to be asked. */
export const BEGIN_WRITING = `${BEGIN}, read write`;

/**
 * The statement that follows each `begin`. Its settings end with the transaction: behind a pooler no session is ours, and
 * start-up parameters are refused there.
 */
export function settingsStatement({
  statementTimeout,
  idleInTransactionTimeout,
}: TransactionSettings): string {
  const settings = {
    // Nobody else's objects before ours, temporary ones of a shared session among them.
    search_path: "'public, pg_temp'",
    // How values are printed and read.
    TimeZone: "'UTC'",
    DateStyle: "'ISO, MDY'",
    bytea_output: "'hex'",
    standard_conforming_strings: "'on'",
    // An acknowledged change must be on disk, and on the standbys that the server waits for; remote_apply is more yet.
    synchronous_commit:
      "case pg_catalog.current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end",
    statement_timeout: `'${Math.ceil(statementTimeout)}'`,
    lock_timeout: "'0'",
    idle_in_transaction_session_timeout: `'${Math.ceil(idleInTransactionTimeout)}'`,
  };
  const calls = Object.entries(settings).map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${value}, true)`,
  );
  return `select ${calls.join(", ")}`;
}
