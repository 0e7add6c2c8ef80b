/** The faults between dialling and the first statement, besides those that the system, TLS and the server report themselves. */
export type Fault =
  | "closed"
  | "late"
  | "protocol"
  | "no TLS"
  | "no direct TLS"
  | "no user"
  | "no password"
  | "login method"
  | "no channel binding"
  | "standby"
  | "encoding";

/** A connection that did not come about for a reason of ours. The message is for nobody: see `refusal.ts`. */
export class ConnectFault extends Error {
  override readonly name = "ConnectFault";
  readonly fault: Fault;
  /** A word that belongs to it: the login method that was asked for, the encoding that was found. */
  readonly about: string;

  constructor(fault: Fault, about = "") {
    super(fault);
    this.fault = fault;
    this.about = about;
  }
}
