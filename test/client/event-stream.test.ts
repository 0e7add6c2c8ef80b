import { expect, test } from "vitest";

import { readEventStream, type StreamEvent } from "../../src/client/event-stream.ts";

/** A body that is sent piece by piece, and says whether it was given up. */
function body(pieces: Iterable<string>) {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  const state = { sent: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = iterator.next();
      if (next.done === true) return controller.close();
      state.sent += next.value.length;
      controller.enqueue(encoder.encode(next.value));
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { stream, state };
}

async function eventsOf(stream: ReadableStream<Uint8Array>): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEventStream(stream)) events.push(event);
  return events;
}

function* forever(text: string) {
  for (;;) yield text;
}

test.each([
  { name: "one", text: "event: a\nid: 1\ndata: x\n\n", events: [{ type: "a", data: "x", id: "1" }] },
  { name: "without a type", text: "data:x\n\n", events: [{ type: "message", data: "x", id: undefined }] },
  {
    name: "lines of data",
    text: "data: x\ndata\n\n",
    events: [{ type: "message", data: "x\n", id: undefined }],
  },
  { name: "comments", text: ": c\n\n: d\n\n", events: [] },
  { name: "no end", text: "data: x\n", events: [] },
  { name: "CR LF", text: "data: x\r\n\r\n", events: [{ type: "message", data: "x", id: undefined }] },
  {
    name: "U+0000 in an id",
    text: "id: a\0\ndata: x\n\n",
    events: [{ type: "message", data: "x", id: undefined }],
  },
])("reads $name, in one piece and in single characters", async ({ text, events }) => {
  expect(await eventsOf(body([text]).stream)).toEqual(events);
  expect(await eventsOf(body(text).stream)).toEqual(events);
});

test.each([
  { name: "a line without an end", text: "x".repeat(1000) },
  { name: "data without an end", text: `data: ${"x".repeat(1000)}\n` },
  { name: "empty data without an end", text: "data:\n".repeat(1000) },
])("gives up $name, and the connection with it", async ({ text }) => {
  const { stream, state } = body(forever(text));
  await expect(eventsOf(stream)).rejects.toThrow(RangeError);
  expect(state.cancelled).toBe(true);
  expect(state.sent).toBeLessThan(8 * 1024 * 1024);
});
