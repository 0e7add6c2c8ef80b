import type { RequestEvent } from "./log.ts";

/** Somebody without a credential, with one that is no good here, or past a limit: what an attack is seen by. */
const TURNED_AWAY: ReadonlySet<number> = new Set([401, 403, 429]);

/**
 * Whether a request has its line in the log.
 *
 * The draw is not by the request's id, which callers may choose: nobody can keep out of the log by it.
 *
 * @param share of all requests, 0 to 1: those that failed and those that were turned away are logged besides
 * @param chance draws from 0 up to 1
 */
export function isLogged(
  { status }: Pick<RequestEvent, "status">,
  share: number,
  chance: () => number = Math.random,
): boolean {
  return share >= 1 || status >= 500 || TURNED_AWAY.has(status) || (share > 0 && chance() < share);
}
