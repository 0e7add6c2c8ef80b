import type { VerifiedToken } from "./verify-token.ts";

/**
 * Is told of each question that was answered about a token whose signatures are right; never of a dry run. It takes no time
 * worth measuring, and never throws: no verdict waits for it.
 */
export type VerdictObserver = (token: VerifiedToken, isAllowed: boolean) => void;
