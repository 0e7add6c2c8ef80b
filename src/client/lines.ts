import { BakehouseError } from "./error.ts";

/** Characters of one line: more than any tile, or any event that a service writes. */
const MOST_LINE = 1024 * 1024;

/** Reads a body line by line. An end in the middle of a line yields the part that came. */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MOST_LINE) throw new BakehouseError("bad_answer", "a line is longer than any");
      yield* lines;
      if (!done) continue;
      if (rest !== "") yield rest;
      return;
    }
  } catch (error) {
    if (error instanceof BakehouseError || signal?.aborted) throw error;
    throw new BakehouseError("unreachable", "the answer broke off", { cause: error });
  } finally {
    // Not waited for: the sender decides when that ends.
    reader.cancel().catch(() => {});
  }
}
