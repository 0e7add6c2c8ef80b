import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";

import { parseBlock } from "../../src/caveats/values/address.ts";
import { createConnectionCrowd } from "../../src/http/serving/connection-crowd.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import { createHttpServer } from "../../src/http/serving/http-server.ts";
import { createIntake, INTAKE_LIMITS } from "../../src/http/serving/intake.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { exchange, listenOn } from "./listening.ts";

const HEAD = `host: x\r\nauthorization: Bearer ${CREDENTIALS.platform}\r\ncontent-type: application/json\r\n`;
const BODY = '{"token":"t","context":{}}';

/** One route straight from node:http and one of the app; each reads a body. */
const TARGETS = ["POST /v1/verify", "POST /v1/tokens"] as const;

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Sends a head and all of its body but the last byte. */
async function stall(port: number, target: string, announced: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  sockets.push(socket);
  await once(socket, "connect");
  const chunk = announced.includes("chunked") ? "9\r\n" : "";
  socket.write(`${target} HTTP/1.1\r\n${HEAD}${announced}\r\n\r\n${chunk}{`);
  return socket;
}

function whole(target: string, body = BODY): string {
  return `${target} HTTP/1.1\r\n${HEAD}content-length: ${body.length}\r\n\r\n${body}`;
}

function listen(limits: Partial<typeof INTAKE_LIMITS>) {
  const intake = createIntake({ ...INTAKE_LIMITS, ...limits });
  return listenOn("the app behind the direct routes", {}, "127.0.0.1", {}, intake);
}

/** Asks with a body in two parts until the answer matches. */
async function until(port: number, target: string, status: number): Promise<string> {
  for (;;) {
    const text = await exchange(
      port,
      [`${target} HTTP/1.1\r\n${HEAD}content-length: 9\r\n\r\n{`],
      "\r\n\r\n",
    );
    if (text.startsWith(`HTTP/1.1 ${status} `)) return text;
  }
}

describe.each(TARGETS)("bodies on their way to %s", (target) => {
  test("are so many of one peer and no more; whole requests are answered beside them", async () => {
    const { port } = await listen({ bodiesOfPeer: 2 });
    await stall(port, target, "content-length: 9");
    await stall(port, target, "transfer-encoding: chunked");
    const refused = await until(port, target, 429);
    expect(refused).toContain("retry-after: 10");
    expect(refused).toContain("rate_limited");
    expect(await exchange(port, [whole("POST /v1/verify")], '"allowed"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("are so many of all peers and no more", async () => {
    const { port } = await listen({ bodies: 1 });
    await stall(port, target, "content-length: 9");
    expect(await until(port, target, 503)).toContain("unavailable");
    expect(await exchange(port, [whole("POST /v1/verify")], '"allowed"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("come to so many bytes and no more", async () => {
    const { port } = await listen({ bytesOfPeer: 1_000 });
    const large = `${target} HTTP/1.1\r\n${HEAD}content-length: 1001\r\n\r\n{`;
    expect(await exchange(port, [large], "rate_limited")).toMatch(/^HTTP\/1\.1 429 /);
  });

  test.each(["content-length: 9", "transfer-encoding: chunked"])(
    "with %s are given up, connection and all, where they bring too little, and make room",
    async (announced) => {
      const { port } = await listen({ bodiesOfPeer: 1, look: 30 });
      const socket = await stall(port, target, announced);
      if (!socket.closed) await once(socket, "close");
      await stall(port, target, announced);
    },
  );
});

test("a body that comes slowly and steadily is read to its end", async () => {
  const { port } = await listen({ look: 60, progress: 1 });
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  const padded = BODY.padEnd(200);
  socket.write(`POST /v1/verify HTTP/1.1\r\n${HEAD}content-length: ${padded.length}\r\n\r\n`);
  for (const character of padded) {
    socket.write(character);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  while (!text.includes('"allowed"')) await once(socket, "data");
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
});

test("behind a trusted proxy bodies are counted by the client that it names, not by one that a client makes up", async () => {
  const trustedProxies = [parseBlock("127.0.0.1")].flatMap((block) => block ?? []);
  const intake = createIntake({ ...INTAKE_LIMITS, bodiesOfPeer: 1 });
  const { port } = await listenOn(
    "the app behind the direct routes",
    {},
    "127.0.0.1",
    { trustedProxies },
    intake,
  );
  const from = (client: string) => `x-forwarded-for: ${client}\r\ncontent-length: ${BODY.length}`;
  const refused = async (client: string) => {
    const half = `POST /v1/verify HTTP/1.1\r\n${HEAD}${from(client)}\r\n\r\n{`;
    while (!(await exchange(port, [half], "\r\n\r\n")).startsWith("HTTP/1.1 429 "));
  };
  await stall(port, "POST /v1/verify", from("203.0.113.1"));
  await refused("203.0.113.1");
  await refused("198.51.100.7, 203.0.113.1");

  const other = await stall(port, "POST /v1/verify", from("2001:db8::7"));
  await refused("203.0.113.1"); // by now the other one has come
  other.write(BODY.slice(1));
  const [answer] = await once(other, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
});

describe("connections", () => {
  test("that are too many are closed, and others take the place of those that ended", async () => {
    const crowd = createConnectionCrowd({ most: 9, mostOfPeer: 1 });
    const answer: RequestListener = (_, response) => void response.end("here");
    const server = createHttpServer(answer, createDeparture(), crowd);
    const port = await server.listen(0, "127.0.0.1");
    const first = connect(port, "127.0.0.1");
    first.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(first, "data");
    expect(await exchange(port, [], "here")).toBe("");
    first.end();
    await once(first, "close");
    const asked = ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"];
    let text = "";
    while (text === "") text = await exchange(port, asked, "here");
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    await server.closeDoor();
    await server.drain(0);
  });

  test("are so many of one network, and of all", () => {
    const crowd = createConnectionCrowd({ most: 3, mostOfPeer: 2 });
    const leave = crowd.enter("2001:db8::1");
    expect(crowd.enter("2001:db8::2")).toBeDefined();
    expect(crowd.enter("2001:db8::3")).toBeUndefined();
    expect(crowd.enter("::ffff:192.0.2.1")).toBeDefined();
    expect(crowd.enter("192.0.2.2")).toBeUndefined();
    leave?.();
    expect(crowd.enter("::ffff:192.0.2.2")).toBeDefined();
  });
});
