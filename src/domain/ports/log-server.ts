/** Which database a server is, as far as it tells; null is what it does not tell. */
export interface ServerIdentity {
  /** Of the cluster: a standby has its primary's. */
  readonly systemIdentifier: string | null;
  /** Of the database and of the log's table in it: another one after a dump was restored. */
  readonly database: string | null;
  /** It rises with every promotion; null in recovery. */
  readonly timeline: number | null;
}

/** The server that answered a read of the revocation log, and the one to which the log belongs. */
export interface LogServer {
  /** Whether it is a standby, which may be behind its primary by any time. */
  readonly inRecovery: boolean;
  readonly here: ServerIdentity;
  /** Where the log's epoch began, or a promoted standby that was taken for it since. */
  readonly home: ServerIdentity;
  /** The sequence of an entry that a replica has read and that is not in this log; null without one. */
  readonly disputed: string | null;
  /** Whether `synchronous_standby_names` was set when the last entry was written. */
  readonly wasSynchronous: boolean;
  /** Whether it is set now. */
  readonly isSynchronous: boolean;
}
