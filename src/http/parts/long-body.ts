import { type Bill, nextTurn } from "../../domain/parts/turn.ts";

/** Characters, about, that are written in one turn of the event loop. */
const TOGETHER = 64 * 1024;

/** A text in parts, that is written in several turns of the event loop: one of megabytes would take many milliseconds. */
export type LongText = readonly string[];

/** The text in one piece, if that may be written in one turn. */
export function inOnePiece(parts: LongText): string | undefined {
  let length = 0;
  for (const part of parts) {
    length += part.length;
    if (length > TOGETHER) return undefined;
  }
  return parts.join("");
}

function* piecesOf(parts: LongText): Generator<string> {
  let piece = "";
  for (const part of parts) {
    piece += part;
    if (piece.length < TOGETHER) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

/** The text as a stream that takes turns. @param bill of the request */
export function streamOf(parts: LongText, bill: Bill): ReadableStream<Uint8Array> {
  const pieces = piecesOf(parts);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await nextTurn(bill.payer);
      const { value, done } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

/** The part of an answer's writer that is needed here. */
interface Writer {
  readonly destroyed: boolean;
  write(text: string): boolean;
  end(): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

/** Writes the text, and ends the answer. Ends early if its connection does. @param bill of the request */
export async function writeInTurns(parts: LongText, writer: Writer, bill: Bill): Promise<void> {
  for (const piece of piecesOf(parts)) {
    if (writer.destroyed) return;
    if (!writer.write(piece)) await drained(writer);
    await nextTurn(bill.payer);
  }
  writer.end();
}

function drained(writer: Writer): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      writer.off("drain", done);
      writer.off("close", done);
      resolve();
    };
    writer.once("drain", done);
    writer.once("close", done);
  });
}
