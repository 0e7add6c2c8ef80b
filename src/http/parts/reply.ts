import { mapInSlices, type SliceClock } from "../../domain/parts/time-slice.ts";
import { PROBLEM_MEDIA_TYPE } from "../../words/problem-codes.ts";
import { inOnePiece, type LongText } from "./long-body.ts";
import { problemHeaders } from "./problem.ts";
import type { Problem } from "./problem-document.ts";

/** An answer before the headers that every answer carries are added. */
export interface Reply {
  readonly status: number;
  readonly body: string | LongText | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  readonly headers: Readonly<Record<string, string>>;
  /** `Set-Cookie` values, each a header line of its own. */
  readonly cookies?: readonly string[];
  /** The code of an answer that is a problem, for the log. */
  readonly code?: string;
}

/** Answers a JSON value. The media type has no parameter: RFC 8259 defines none. */
export function json(status: number, value: object): Reply {
  return jsonText(status, JSON.stringify(value));
}

const JSON_HEADERS = { "content-type": "application/json" } as const;

/** Answers JSON that is written already. */
export function jsonText(status: number, text: string): Reply {
  return { status, body: text, headers: JSON_HEADERS };
}

/** Answers JSON that is written already, in parts. */
export function jsonParts(status: number, parts: LongText): Reply {
  return { status, body: inOnePiece(parts) ?? parts, headers: JSON_HEADERS };
}

/**
 * Writes the JSON of a list in parts, with turns of the event loop in between where the list is long.
 *
 * @param write makes the JSON of an item
 */
export async function jsonArray<Item>(
  items: readonly Item[],
  clock: SliceClock,
  write: (item: Item) => string,
): Promise<LongText> {
  const written = await mapInSlices(items, clock, (item, index) => (index > 0 ? "," : "") + write(item));
  return ["[", ...written, "]"];
}

/** Answers a problem document. */
export function problemReply(problem: Problem, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: problem.status,
    body: JSON.stringify(problem),
    headers: { "content-type": PROBLEM_MEDIA_TYPE, ...problemHeaders(problem.code), ...headers },
    code: problem.code,
  };
}

/** Answers an HTML page under the given policy. */
export function html(status: number, body: string, policy: string): Reply {
  const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": policy };
  return { status, body, headers };
}

/** Sends the browser elsewhere, with GET (RFC 9110 §15.4.4). */
export function seeOther(location: string, cookies: readonly string[]): Reply {
  return { status: 303, body: null, headers: { location }, cookies };
}

/** An answer that is thrown, for a protocol with its own form of refusals. */
export class ThrownReply extends Error {
  override readonly name = "ThrownReply";
  readonly reply: Reply;

  constructor(reply: Reply) {
    super("an answer of another protocol");
    this.reply = reply;
  }
}
