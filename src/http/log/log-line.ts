import type { RequestEvent } from "./log.ts";

// Pino's numbers.
const INFO = 30;
const WARN = 40;

/** The text of the last instant: a busy service writes many lines in one millisecond. */
let last = { at: Number.NaN, text: "" };

function instant(now: number): string {
  if (now !== last.at) last = { at: now, text: new Date(now).toISOString() };
  return last.text;
}

/**
 * Writes a request's event as the line of JSON that the logger would write, at `info`, or at `warn` where the
 * service could not answer.
 *
 * By hand, because there is one for each request and nothing in it can need an escape: the id is
 * {@link requestId}'s, methods are those that Node's parser knows, the peer is an address, and all else is this
 * adapter's own.
 *
 * @param now unix milliseconds
 * @param bindings members that every line has, written, each with a comma behind it
 */
export function requestLine(event: RequestEvent, now: number, bindings: string): string {
  const { requestId, method, route, status, milliseconds, caller, peer, code, traceId } = event;
  const from = peer === undefined ? "" : `"peer":"${peer}",`;
  const trace = traceId === undefined ? "" : `,"trace_id":"${traceId}"`;
  const level = status >= 500 ? WARN : INFO;
  return `{"level":${level},"time":"${instant(now)}",${bindings}"event":"request","request_id":"${requestId}","method":"${method}","route":${text(route)},"status":${status},"milliseconds":${milliseconds},"caller":"${caller}",${from}"code":${text(code)}${trace}}\n`;
}

function text(value: string | null): string {
  return value === null ? "null" : `"${value}"`;
}
