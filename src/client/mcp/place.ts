import { readTraceparent } from "../../words/traceparent.ts";
import type { CallOptions } from "../index.ts";
import { isObject, isText } from "../shape.ts";

/**
 * The place in a trace that a message names, for calls that are made for it.
 *
 * @param meta the message's `_meta`, as anybody may have written it; a malformed `traceparent` counts as none
 */
export function placeOf(meta: unknown): Pick<CallOptions, "traceparent"> {
  const traceparent = isObject(meta) && "traceparent" in meta ? meta.traceparent : undefined;
  return isText(traceparent) && readTraceparent(traceparent) !== undefined ? { traceparent } : {};
}
