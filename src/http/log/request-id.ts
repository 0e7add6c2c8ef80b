// Short and plain: it goes into the log. A UUID fits, and no session cookie, key or signature of 43
// characters that somebody sends here by mistake does.
const SANE = /^[A-Za-z0-9._-]{1,40}$/;

/** The request's id: the caller's own where it is sane, so that both sides' logs can be joined, else a new one. */
export function requestId(header: string | null): string {
  return header !== null && SANE.test(header) ? header : crypto.randomUUID();
}
