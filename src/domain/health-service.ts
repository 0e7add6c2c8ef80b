/** One thing that must be so for requests to be answered. */
export interface HealthCheck {
  readonly name: "serving" | "revocations" | "clock" | "database" | "changes";
  readonly ok: boolean;
  /** What is wrong, for those who run the service; absent if nothing is. */
  readonly detail?: string;
}

export interface Health {
  /** @param purpose `verify` is answered from memory; `write` needs the database besides, and one that takes changes */
  checks(purpose: "verify" | "write"): Promise<readonly HealthCheck[]>;
}
