/** Facts about a failure for the operator's log: a step, a host, a code. None is secret, and none reaches a caller. */
export type FailureFacts = Readonly<Record<string, string | number>>;
