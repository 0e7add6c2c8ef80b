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
        const line = /^([^\r\n]*)(?:\r\n|\n|\r(?!$))/.exec(rest);
        if (line === null) break;
        rest = rest.slice(line[0].length);
        const text = line[1] ?? "";
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
      if (rest.length + held > MAX_EVENT) {
        throw new RangeError(`an event of more than ${MAX_EVENT} characters`);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
