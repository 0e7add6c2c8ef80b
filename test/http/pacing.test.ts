/** What is large is received a piece each turn of the event loop, so that many who send much hold up nobody. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

import { expect, test } from "vitest";

import { incomingRequest } from "../../src/http/fast/incoming-request.ts";
import { readBytes } from "../../src/http/request/body.ts";

const PIECE = 64 * 1024;

/** The most pieces that are handed over in one turn of the event loop, all of which are there from the start. */
async function mostAtOnce(pieces: number, receive: (body: Readable) => Promise<Uint8Array>): Promise<number> {
  let most = 0;
  let taken = 0;
  let left = pieces;
  const body = new Readable({
    highWaterMark: PIECE,
    read() {
      taken++;
      most = Math.max(most, taken);
      this.push(left-- > 0 ? Buffer.alloc(PIECE, left) : null);
    },
  });
  let stopped = false;
  const tick = () => {
    taken = 0;
    if (!stopped) setImmediate(tick);
  };
  setImmediate(tick);
  const bytes = await receive(body);
  stopped = true;
  expect(bytes.length).toBe(pieces * PIECE);
  expect(bytes[0]).toBe((pieces - 1) % 256);
  return most;
}

const WAYS: readonly (readonly [string, (pieces: number) => (body: Readable) => Promise<Uint8Array>])[] = [
  [
    "straight from node:http",
    (pieces) => async (body) => {
      const rawHeaders = ["content-length", String(pieces * PIECE)];
      // The members of a message that are read here.
      const incoming = Object.assign(body, { rawHeaders, method: "POST" }) as unknown as IncomingMessage;
      return (await incomingRequest(incoming).read?.()) ?? new Uint8Array();
    },
  ],
  [
    "by the app",
    (pieces) => async (body) =>
      readBytes(
        {
          method: "POST",
          headers: new Headers({ "content-length": String(pieces * PIECE) }),
          body: Readable.toWeb(body) as ReadableStream<Uint8Array>,
          arrayBuffer: () => Promise.reject(new Error("a large body is not taken in one piece")),
        },
        16 * 1024 * 1024,
        undefined,
      ),
  ],
];

test.each(WAYS)("a large body is received in turns, %s", async (_, way) => {
  const pieces = 32;
  expect(await mostAtOnce(pieces, way(pieces))).toBeLessThanOrEqual(8);
});

test("a body that is there is measured, whatever its head announces", () => {
  const request = {
    method: "POST",
    headers: new Headers({ "content-length": "10" }),
    body: null,
    arrayBuffer: () => Promise.reject(new Error("it was read already")),
    read: () => new Uint8Array(99),
  };
  expect(() => readBytes(request, 10, undefined)).toThrow(
    expect.objectContaining({ code: "payload_too_large" }),
  );
});
