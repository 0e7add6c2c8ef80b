/** One event of a `text/event-stream`. */
export interface StreamEvent {
  /** `message` if the stream gave none. */
  readonly type: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** An event is refused if it grows past this many characters: it is no revocation. */
const MAX_EVENT = 1024 * 1024;

/**
 * Reads a `text/event-stream` (HTML Living Standard, §9.2.6), event by event. Comments are skipped.
 *
 * @throws RangeError for an event without an end
 */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  // The pieces of a line that has no end yet, apart from the rest: each is looked at once.
  let line: string[] = [];
  let length = 0;
  let type = "";
  let data: string[] = [];
  let held = 0;
  let id: string | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      for (;;) {
        const end = /\r\n|\n|\r(?!$)/.exec(rest);
        if (end === null) {
          // A carriage return may be the first half of what ends the line.
          const more = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
          line.push(more);
          length += more.length;
          rest = rest.slice(more.length);
          break;
        }
        line.push(rest.slice(0, end.index));
        rest = rest.slice(end.index + end[0].length);
        const text = line.join("");
        line = [];
        length = 0;
        if (text === "") {
          if (data.length > 0) yield { type: type === "" ? "message" : type, data: data.join("\n"), id };
          type = "";
          data = [];
          held = 0;
          continue;
        }
        const colon = text.indexOf(":");
        const field = colon < 0 ? text : text.slice(0, colon);
        const rawValue = colon < 0 ? "" : text.slice(colon + 1);
        const fieldValue = rawValue.startsWith(" ") ? rawValue.slice(1) : rawValue;
        if (field === "event") type = fieldValue;
        else if (field === "data") {
          data.push(fieldValue);
          // Each line weighs something, or empty ones without number would fit.
          held += fieldValue.length + 1;
        } else if (field === "id" && !fieldValue.includes("\0")) id = fieldValue;
      }
      if (length + rest.length + held > MAX_EVENT) {
        throw new RangeError(`an event of more than ${MAX_EVENT} characters`);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
