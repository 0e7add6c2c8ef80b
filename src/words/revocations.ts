/** The members that can name a revocation's target, each with the members that may stand beside it. */
export const TARGETS = {
  token: [],
  revocation_id: [],
  token_id: ["successors"],
  principal: ["issued_before"],
  agent: ["issued_before", "token_id"],
  key_id: [],
  approval_id: [],
  platform: ["issued_before"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A member that names a target. */
export type TargetName = keyof typeof TARGETS;

/** The tokens among which an entry of the log matches: all, the author's platform's, the author's own, or that link. */
export const REVOCATION_SCOPES = ["all", "platform", "principal", "link"] as const;
export type RevocationScopeName = (typeof REVOCATION_SCOPES)[number];

/** Events of the log's stream. */
export const REVOCATION_EVENT = "revocation";
export const HEARTBEAT_EVENT = "heartbeat";
/** The first of a platform's stream. Its data are `{"hash_key":…}`. */
export const HASH_KEY_EVENT = "hash_key";

/** The data of a heartbeat. */
export interface Heartbeat {
  /** Everything up to here has been sent. */
  readonly sequence: string;
  /** How old the sent knowledge is, milliseconds; null before all of the log has been sent. */
  readonly staleness_ms: number | null;
  /** How long the stream has been open, milliseconds by the service's clock. */
  readonly open_ms: number;
}
