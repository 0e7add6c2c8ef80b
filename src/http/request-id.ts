// Short and plain: it goes into the log, and a token that was sent here by mistake must not fit.
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The request's id: the caller's own where it is sane, so that both sides' logs can be joined, else a new one. */
export function requestId(header: string | null): string {
  return header !== null && SANE.test(header) ? header : crypto.randomUUID();
}
