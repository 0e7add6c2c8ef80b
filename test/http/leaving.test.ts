import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";
import { expect, test } from "vitest";
import type { LogNews } from "../../src/domain/log-news.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { createListener } from "../../src/http/fast/direct.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import { createHttpServer } from "../../src/http/serving/http-server.ts";
import { calmNow } from "../support/calm-clock.ts";
import { ALLOWED, CREDENTIALS, SEQUENCE } from "../support/fake-service.ts";
import { createGate } from "../support/service-steps.ts";
import { createTestApp } from "./app.ts";

type Parts = Parameters<typeof createTestApp>[0];

/** A server as `serve` makes it, over a fake service. */
async function serving(parts: Parts = {}) {
  const { app, options } = createTestApp(parts);
  const departure = createDeparture();
  const server = createHttpServer(
    createListener(options, getRequestListener(app.fetch), departure),
    departure,
  );
  const port = await server.listen(0, "127.0.0.1");
  return { server, port };
}

/** A caller that writes bytes. */
async function caller(port: number) {
  const socket: Socket = connect(port, "127.0.0.1");
  let text = "";
  let ended = false;
  socket.setEncoding("latin1");
  socket.on("data", (part: string) => {
    text += part;
  });
  socket.on("end", () => {
    ended = true;
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  return {
    socket,
    text: () => text,
    ended: () => ended,
    answers: () => text.match(/HTTP\/1\.1 \d+/g) ?? [],
    closes: () => text.match(/^connection: close/gim) ?? [],
  };
}

const BODY = '{"token":"t","context":{}}';
const AUTHORIZED = `host: x\r\nauthorization: Bearer ${CREDENTIALS.platform}\r\n`;
const VERIFY = `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}content-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const LIST = `GET /v1/tokens HTTP/1.1\r\n${AUTHORIZED}\r\n`;
const NOWHERE = `GET /nowhere HTTP/1.1\r\n${AUTHORIZED}\r\n`;
const NO_TOKENS = { items: [], next: undefined };
const STREAM = `GET /v1/revocations HTTP/1.1\r\n${AUTHORIZED}accept: text/event-stream\r\n\r\n`;

test.each([
  ["the direct routes", VERIFY, 200],
  ["the app", LIST, 200],
  ["a refusal", NOWHERE, 404],
])("%s: a kept connection is answered once more, and ends by that answer", async (_, request, status) => {
  const { server, port } = await serving();
  const kept = await caller(port);
  kept.socket.write(request);
  await expect.poll(kept.answers).toEqual([`HTTP/1.1 ${status}`]);
  expect(kept.closes()).toEqual([]);
  await server.closeDoor();
  const drained = server.drain(3_000);
  kept.socket.write(request);
  await expect.poll(kept.ended).toBe(true);
  expect(kept.answers()).toEqual([`HTTP/1.1 ${status}`, `HTTP/1.1 ${status}`]);
  expect(kept.closes()).toHaveLength(1);
  const begun = calmNow();
  await drained; // nobody is left, so nothing is waited for
  expect(calmNow() - begun).toBeLessThan(1_000);
});

test("a connection that has not asked anything yet is answered when it does", async () => {
  const { server, port } = await serving();
  const silent = await caller(port);
  const half = await caller(port);
  half.socket.write(VERIFY.slice(0, 40));
  await server.closeDoor();
  const drained = server.drain(3_000);
  await pause(300);
  silent.socket.write(LIST);
  half.socket.write(VERIFY.slice(40));
  await drained;
  for (const { answers, closes, ended } of [silent, half]) {
    await expect.poll(ended).toBe(true);
    expect(answers()).toEqual(["HTTP/1.1 200"]);
    expect(closes()).toHaveLength(1);
  }
});

test("requests that were sent one behind the other are all answered, and the newest ends the connection", async () => {
  const gate = createGate();
  const { server, port } = await serving({
    tokens: { list: () => gate.opened.then(() => NO_TOKENS) },
  });
  const kept = await caller(port);
  kept.socket.write(LIST);
  await pause(50);
  await server.closeDoor();
  const drained = server.drain(3_000);
  kept.socket.write(LIST + VERIFY + VERIFY);
  await pause(50);
  gate.open();
  await drained;
  await expect.poll(kept.ended).toBe(true);
  expect(kept.answers()).toEqual(Array.from({ length: 4 }, () => "HTTP/1.1 200"));
  expect(kept.closes()).toHaveLength(1);
  expect(kept.text().lastIndexOf("connection: close")).toBeGreaterThan(kept.text().lastIndexOf("HTTP/1.1"));
});

test("a request that is under way is answered, by its connection's last answer", async () => {
  const gate = createGate();
  const { server, port } = await serving({
    decisions: { decide: () => gate.opened.then(() => ALLOWED) },
    tokens: { list: () => gate.opened.then(() => NO_TOKENS) },
  });
  const both = [await caller(port), await caller(port)];
  both[0]?.socket.write(VERIFY);
  both[1]?.socket.write(LIST);
  await pause(50);
  await server.closeDoor();
  const drained = server.drain(3_000);
  gate.open();
  await drained;
  for (const { answers, closes, ended } of both) {
    await expect.poll(ended).toBe(true);
    expect(answers()).toEqual(["HTTP/1.1 200"]);
    expect(closes()).toHaveLength(1);
  }
});

test("an event stream that is ended ends its connection, whose head said nothing of it", async () => {
  const gate = createGate();
  const news: LogNews = { kind: "heartbeat", sequence: SEQUENCE, ageMilliseconds: 1, openMilliseconds: 1 };
  let told = false;
  const { server, port } = await serving({
    revocations: {
      follow: async () => ({
        async next() {
          if (told) return await gate.opened.then(() => undefined);
          told = true;
          return news;
        },
        close: () => {},
      }),
    },
  });
  const stream = await caller(port);
  stream.socket.write(STREAM);
  await expect.poll(stream.text).toContain("heartbeat");
  await server.closeDoor();
  const drained = server.drain(3_000);
  gate.open();
  const begun = calmNow();
  await drained;
  expect(calmNow() - begun).toBeLessThan(1_000);
  await expect.poll(stream.ended).toBe(true);
  expect(stream.text()).toMatch(/\r\n0\r\n\r\n$/);
});

test("connections on which nothing is asked are closed after a while, and all others at the latest soon after", async () => {
  const { server, port } = await serving({
    decisions: { decide: () => new Promise(() => {}) },
    tokens: {
      list: async () => {
        throw new DomainError("unavailable", "not now");
      },
    },
  });
  const silent = await caller(port);
  const kept = await caller(port);
  kept.socket.write(LIST);
  await expect.poll(kept.answers).toEqual(["HTTP/1.1 503"]);
  const stuck = await caller(port);
  stuck.socket.write(VERIFY);
  await server.closeDoor();
  const [begun, calmBegun] = [performance.now(), calmNow()];
  const drained = server.drain(3_000);
  await expect.poll(() => [silent.ended(), kept.ended()]).toEqual([true, true]);
  expect(performance.now() - begun).toBeGreaterThan(1_500); // time for what is on its way
  expect(stuck.ended()).toBe(false);
  await drained;
  expect(calmNow() - calmBegun).toBeLessThan(8_000); // three seconds, on a machine that has time
  expect(stuck.answers()).toEqual([]);
});

test("connections that another process has accepted are answered and closed alike", async () => {
  const { server } = await serving();
  const door = createServer({ pauseOnConnect: true }, (socket) => {
    socket.resume();
    server.take(socket);
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const { port } = door.address() as AddressInfo;
  const [kept, idle, silent] = [await caller(port), await caller(port), await caller(port)];
  for (const { socket } of [kept, idle]) socket.write(VERIFY);
  await expect.poll(() => [kept.answers().length, idle.answers().length]).toEqual([1, 1]);
  door.close();
  await server.closeDoor();
  const drained = server.drain(10_000);
  kept.socket.write(LIST);
  await expect.poll(kept.ended).toBe(true);
  expect(kept.answers()).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  const begun = calmNow();
  await drained;
  expect(calmNow() - begun).toBeLessThan(8_000); // before the limit, so by being idle
  await expect.poll(() => [idle.ended(), silent.ended()]).toEqual([true, true]);
});

test("no connection is taken once the door is closed", async () => {
  const { server, port } = await serving();
  await server.closeDoor();
  await expect(caller(port)).rejects.toThrow("ECONNREFUSED");
  await server.drain(3_000);
});
