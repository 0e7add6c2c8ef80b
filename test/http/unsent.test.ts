import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";

import { createDeparture } from "../../src/http/serving/departure.ts";
import { createHttpServer } from "../../src/http/serving/http-server.ts";
import { createLanes } from "../../src/http/serving/lanes.ts";
import { UNSENT_LIMITS } from "../../src/http/serving/unsent.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { until } from "../support/until.ts";
import { listenOn } from "./listening.ts";

const MIB = 1024 * 1024;
const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(bytes: number, limits: Partial<typeof UNSENT_LIMITS>) {
  const inLane = createLanes();
  let asked = 0;
  const taken = new Map<string, Socket>();
  const answer: RequestListener = ({ url = "", socket }, response) =>
    inLane(response, () => {
      asked++;
      taken.set(url, socket);
      response.end(Buffer.alloc(bytes));
    });
  const server = createHttpServer(answer, createDeparture(), undefined, { ...UNSENT_LIMITS, ...limits });
  const port = await server.listen(0, "127.0.0.1");
  ends.push(async () => {
    await server.closeDoor();
    await server.drain(0);
  });
  // Who reads nothing is told nothing: whether a connection was closed is seen on this side.
  const isClosed = (url: string) => taken.get(url)?.destroyed === true;
  return { port, asked: () => asked, isClosed };
}

async function asking(port: number, text: string) {
  const socket: Socket = connect(port, "127.0.0.1");
  ends.unshift(() => void socket.destroy());
  let taken = 0;
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  socket.on("readable", () => {});
  const read = () => {
    socket.removeAllListeners("readable");
    socket.on("data", (chunk) => {
      taken += chunk.length;
    });
  };
  return { socket, read, taken: () => taken };
}

test("whoever asks on and on without reading has one answer made", async () => {
  const { port, asked } = await serve(16 * MIB, {});
  const one = await asking(port, GET.repeat(50));
  await until(() => asked() > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(asked()).toBe(1);
  one.read();
  await until(() => asked() > 1);
});

test.each(["GET /v1/tokens", "POST /v1/verify"])(
  "%s behind one that is under way waits for its answer",
  async (target) => {
    const never = () => new Promise<never>(() => {});
    const { port, calls } = await listenOn("the app behind the direct routes", {
      tokens: { list: never },
      decisions: { decide: never },
    });
    const body = target.startsWith("POST") ? '{"token":"t","context":{}}' : "";
    const head = `host: x\r\nauthorization: Bearer ${CREDENTIALS.platform}\r\ncontent-type: application/json\r\n`;
    const length = body === "" ? "" : `content-length: ${body.length}\r\n`;
    const before = calls.length;
    await asking(port, `${target} HTTP/1.1\r\n${head}${length}\r\n${body}`.repeat(3));
    await until(() => calls.length > before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(calls).toHaveLength(before + 1);
  },
);

test("past a hundred and twenty-eight that wait the connection is closed", async () => {
  const { port, asked } = await serve(16 * MIB, {});
  const one = await asking(port, GET.repeat(200));
  one.read();
  if (!one.socket.closed) await once(one.socket, "close");
  expect(asked()).toBeLessThan(200);
});

test("an answer that nobody takes is given up, and one that is taken slowly is not", async () => {
  const { port, isClosed } = await serve(16 * MIB, { look: 40, looks: 25, progress: 1 });
  const slow = await asking(port, GET.replace("/", "/slow"));
  await asking(port, GET.replace("/", "/none"));
  const timer = setInterval(() => slow.socket.read(64 * 1024) ?? slow.socket.read(), 5);
  ends.unshift(() => clearInterval(timer));
  await until(() => isClosed("/none"));
  expect(isClosed("/slow")).toBe(false);
});

test("what all hold together is bounded: those that take nothing go first, the largest before the others", async () => {
  const { port, isClosed } = await serve(16 * MIB, { look: 40, looks: 1_000, bytes: 40 * MIB });
  const all = ["/1", "/2", "/3", "/4", "/5"];
  for (const url of all) await asking(port, GET.replace("/", url));
  await until(() => all.filter(isClosed).length >= 3);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(all.filter(isClosed)).toHaveLength(3);
});

test("of one peer those that take nothing come to so many bytes and no more", async () => {
  const { port, isClosed } = await serve(16 * MIB, { look: 40, looks: 1_000, bytesOfPeer: 20 * MIB });
  const all = ["/1", "/2", "/3"];
  for (const url of all) await asking(port, GET.replace("/", url));
  await until(() => all.filter(isClosed).length === 2);
});
