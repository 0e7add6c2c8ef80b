import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test } from "vitest";

import type { Bill } from "../../src/domain/parts/turn.ts";
import { inOnePiece, streamOf, writeInTurns } from "../../src/http/parts/long-body.ts";

const LONG = Array.from({ length: 20_000 }, (_, index) => `part ${index} é, `);
const TEXT = LONG.join("");
const BILL: Bill = { payer: { kind: "network", name: "192.0.2.1" } };

/** Counts the turns of the event loop while something is done. */
async function turnsOf<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let turns = 0;
  let stopped = false;
  const tick = () => {
    turns++;
    if (!stopped) setImmediate(tick);
  };
  setImmediate(tick);
  const result = await work();
  stopped = true;
  return { result, turns };
}

test("a short text is one piece, and a long one is none", () => {
  expect(inOnePiece(["a", "b"])).toBe("ab");
  expect(inOnePiece(LONG)).toBeUndefined();
});

test("a long text is streamed in turns, whole", async () => {
  const { result, turns } = await turnsOf(() => new Response(streamOf(LONG, BILL)).text());
  expect(result).toBe(TEXT);
  expect(turns).toBeGreaterThan(TEXT.length / (64 * 1024));
});

test("a long text is written in turns, as fast as its reader takes it, and not beyond the end of the connection", async () => {
  let ended = 0;
  const server = createServer((_, response) => {
    void writeInTurns(Array(400).fill(TEXT), response, BILL).then(() => ended++);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = () =>
    new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
      request({ port, host: "127.0.0.1" }, resolve).on("error", reject).end();
    });
  try {
    let length = 0;
    for await (const chunk of await ask()) length += (chunk as Buffer).length;
    expect(length).toBe(400 * Buffer.byteLength(TEXT));
    expect(ended).toBe(1);
    // A reader that takes nothing, and then leaves.
    const answer = await ask();
    expect(ended).toBe(1);
    answer.destroy();
    await expect.poll(() => ended).toBe(2);
  } finally {
    server.close();
  }
});
