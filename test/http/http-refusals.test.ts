import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";

import { createListener } from "../../src/http/fast/direct.ts";
import { socketPeer } from "../../src/http/parts/peer.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import { refuseParsed, targetRefused } from "../../src/http/serving/http-refusals.ts";
import { createHttpServer } from "../../src/http/serving/http-server.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { createTestApp } from "./app.ts";
import { exchange } from "./listening.ts";

const { app, options, calls } = createTestApp({}, { peer: socketPeer });
const departure = createDeparture();
const others = getRequestListener(app.fetch, { errorHandler: targetRefused });
const server = createHttpServer(createListener(options, others, departure), departure);
let port = 0;
beforeAll(async () => {
  port = await server.listen(0, "127.0.0.1");
});
afterAll(async () => {
  await server.closeDoor();
  await server.drain(0);
});

/** Reads the answer that stands alone on a connection. */
function answerOf(text: string) {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]);
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  return { status, problem: JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1)) as object };
}

const POST = `POST /v1/verify HTTP/1.1\r\nauthorization: Bearer ${CREDENTIALS.platform}\r\ncontent-type: application/json\r\n`;

test.each([
  ["what is no HTTP", 400, "nonsense\r\n\r\n"],
  ["two lengths", 400, `${POST}host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n`],
  ["headers of 100 KiB", 431, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(100_000)}\r\n\r\n`],
  ["an expectation that is not known", 417, "GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\n\r\n"],
  ["no host", 400, "GET /healthz HTTP/1.1\r\n\r\n"],
  ["a host that is none", 400, "GET /healthz HTTP/1.1\r\nhost: a b\r\n\r\n"],
  ["a backslash in the path", 400, "GET /\\v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n"],
  ["two hosts", 400, "GET /v1/tokens HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n"],
  ["one host in its target and another one", 400, "GET http://y/v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n"],
  ["a host with a user in its target", 400, "GET http://x@y/v1/tokens HTTP/1.1\r\nhost: y\r\n\r\n"],
  ["two hosts of one name", 400, "GET /v1/tokens HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n"],
  [
    "two hosts where a token is verified",
    400,
    `${POST}host: x\r\nHost: y\r\ncontent-length: 26\r\n\r\n{"token":"t","context":{}}`,
  ],
])("%s is refused with a problem document", async (_, status, request) => {
  const answer = answerOf(await exchange(port, [request], "}"));
  expect(answer).toMatchObject({ status, problem: { status, code: "invalid_request" } });
  expect(calls).toEqual([]);
});

test("a request that comes too slowly is told so", async () => {
  const sockets = createServer();
  sockets.listen(0, "127.0.0.1");
  await once(sockets, "listening");
  const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
  sockets.once("connection", (socket) => refuseParsed(late, socket));
  const told = await exchange((sockets.address() as AddressInfo).port, [], "}");
  expect(answerOf(told)).toMatchObject({ status: 408, problem: { status: 408, code: "invalid_request" } });
  sockets.close();
});
