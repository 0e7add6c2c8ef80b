/** The header by which a request says of which trace it is a part (W3C Trace Context §3.2). */
export const TRACEPARENT = "traceparent";

/** The place in a trace that a caller is at. */
export interface TraceParent {
  /** 32 digits of hexadecimal. */
  readonly traceId: string;
  /** The caller's own span: 16 digits of hexadecimal. */
  readonly spanId: string;
  /** Whether the caller records it. */
  readonly sampled: boolean;
}

/** Ids of zeros alone name nothing, and there is no version `ff`. */
const FORM = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Longer ones are somebody's joke. */
const MOST_CHARACTERS = 128;

/**
 * Reads a `traceparent`.
 *
 * @returns undefined for a malformed one, which counts as none (W3C Trace Context §3.2)
 * @example readTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?.sampled // true
 */
export function readTraceparent(text: string): TraceParent | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  const [, version, traceId, spanId, flags, more] = FORM.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  // Later versions may say more; this one has four members.
  if (version === "00" && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` of version 0. */
export function writeTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
