import { once } from "node:events";
import type { RequestListener } from "node:http";
import { connect, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";

import { parseBlock } from "../../src/caveats/values/address.ts";
import { createClosing } from "../../src/http/serving/closing.ts";
import { createConnectionCrowd } from "../../src/http/serving/connection-crowd.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import { createHttpServer } from "../../src/http/serving/http-server.ts";
import { createIntake, INTAKE_LIMITS } from "../../src/http/serving/intake.ts";
import { createTurnedAway } from "../../src/http/serving/turned-away.ts";
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

test("a body that is one too many is refused at once, and nothing more of it is read", async () => {
  const { port } = await listen({ bodiesOfPeer: 1 });
  await stall(port, "POST /v1/verify", "content-length: 9");
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  const length = 16 * 1024 * 1024;
  socket.write(`POST /v1/verify/batch HTTP/1.1\r\n${HEAD}content-length: ${length}\r\n\r\n`);
  socket.write(Buffer.alloc(length - 1));
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 429 /);
  // More than the system keeps on its way, which was read to its end in less.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(socket.writableLength).toBeGreaterThan(0);
  expect(socket.closed).toBe(false);
});

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

test.each(TARGETS)(
  "%s: strangers leave room for those whose credential in the head is good",
  async (target) => {
    const { port } = await listen({ bodies: 4, share: 1 / 2 });
    const start = (credential: string) =>
      `${target} HTTP/1.1\r\nhost: x\r\n${credential}content-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n{`;
    const stranger =
      "POST /v1/discharge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    const holding = Array.from({ length: 2 }, () => connect(port, "127.0.0.1"));
    for (const socket of holding) {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.write(stranger);
    }
    const refused = async (head: string) => {
      while (!(await exchange(port, [head], "\r\n\r\n")).startsWith("HTTP/1.1 503 "));
    };
    await refused(stranger);
    await refused(start("authorization: Bearer nobody\r\n"));
    const known = connect(port, "127.0.0.1");
    sockets.push(known);
    known.write(start(`authorization: Bearer ${CREDENTIALS.platform}\r\n`));
    await refused(stranger); // by now the other one has come
    known.write(BODY.slice(1));
    const [answer] = await once(known, "data");
    expect(String(answer)).not.toMatch(/^HTTP\/1\.1 503 /);
  },
);

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

test("large bodies of strangers are rated, whole ones too, and those that come with a credential are not", async () => {
  const { port } = await listen({ largeAtOnce: 2, largePerSecond: 0.001, large: 100 });
  const ask = (head: string, body: string) =>
    exchange(
      port,
      [`POST /v1/discharge HTTP/1.1\r\n${head}content-length: ${body.length}\r\n\r\n${body}`],
      "\r\n\r\n",
    );
  const large = JSON.stringify({ caveat_id: "A".repeat(100) });
  const stranger = "host: x\r\ncontent-type: application/json\r\n";
  for (let time = 0; time < 2; time++) {
    expect(await ask(stranger, large)).not.toMatch(/^HTTP\/1\.1 429 /);
  }
  expect(await ask(stranger, large)).toMatch(/^HTTP\/1\.1 429 .*\r\nretry-after: /is);
  expect(await ask(stranger, "{}")).not.toMatch(/^HTTP\/1\.1 429 /);
  expect(await exchange(port, [whole(TARGETS[0], BODY.padEnd(200))], '"allowed"')).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});

test("connections that are late at once are closed a few in each turn", async () => {
  const late = Array.from({ length: 5 }, () => new Socket());
  const close = createClosing(2);
  for (const socket of [...late, ...late]) close(socket);
  const closed = () => late.filter(({ destroyed }) => destroyed).length;
  const counts = [closed()];
  while (closed() < late.length) {
    await new Promise(setImmediate);
    counts.push(closed());
  }
  expect(counts).toEqual([0, 2, 4, 5]);
});

describe("connections", () => {
  test("that are too many are closed, and others take the place of those that ended", async () => {
    const crowd = createConnectionCrowd({ most: 9, mostOfPeer: 1 });
    const answer: RequestListener = ({ url }, response) =>
      void (url === "/" ? response.end("here") : response.write("wait"));
    const turnedAway = createTurnedAway({ most: 0, wait: 0 });
    const server = createHttpServer(answer, createDeparture(), crowd, undefined, turnedAway);
    const port = await server.listen(0, "127.0.0.1");
    const first = connect(port, "127.0.0.1");
    first.write("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(first, "data");
    expect(await exchange(port, [], "here")).toBe("");
    first.destroy();
    await once(first, "close");
    const asked = ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"];
    let text = "";
    while (text === "") text = await exchange(port, asked, "here");
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    await server.closeDoor();
    await server.drain(0);
  });

  test("that are turned away are held unread for a while, so many of them, and no longer than the port is open", async () => {
    const reads: string[] = [];
    const answer: RequestListener = ({ url }, response) => {
      reads.push(url ?? "");
      response.write("wait");
    };
    async function doorFor(limits: { readonly most: number; readonly wait: number }) {
      const crowd = createConnectionCrowd({ most: 9, mostOfPeer: 1 });
      const server = createHttpServer(answer, createDeparture(), crowd, undefined, createTurnedAway(limits));
      const port = await server.listen(0, "127.0.0.1");
      const open = () => {
        const socket = connect(port, "127.0.0.1");
        sockets.push(socket);
        socket.on("error", () => {});
        socket.write("GET /long HTTP/1.1\r\nhost: x\r\n\r\n");
        // Not `once`, which fails where the connection was reset.
        return { socket, closed: new Promise<void>((resolve) => void socket.on("close", () => resolve())) };
      };
      await once(open().socket, "data");
      return { server, open };
    }
    const patient = await doorFor({ most: 1, wait: 600_000 });
    const held = patient.open();
    await once(held.socket, "connect");
    await patient.open().closed; // there is no room for it, so it is closed at once
    expect(held.socket.closed).toBe(false);
    await patient.server.closeDoor();
    await Promise.all([patient.server.drain(0), held.closed]);
    const brief = await doorFor({ most: 9, wait: 10 });
    await brief.open().closed;
    expect(reads).toEqual(["/long", "/long"]);
    await brief.server.closeDoor();
    await brief.server.drain(0);
  });

  test("are so many of one network, and of all; the longest idle gives way to a newcomer, and none with a request", () => {
    const crowd = createConnectionCrowd({ most: 3, mostOfPeer: 2 });
    const closed: string[] = [];
    const enter = (address: string) => crowd.enter(address, () => closed.push(address));
    const busy = enter("2001:db8::1");
    busy?.begin();
    const idle = enter("2001:db8::2");
    expect(enter("2001:db8::3")).toBeDefined();
    expect(closed).toEqual(["2001:db8::2"]);
    idle?.leave(); // its socket closes later; its place was given away before
    const mapped = enter("::ffff:192.0.2.1");
    mapped?.begin();
    expect(enter("192.0.2.2")).toBeDefined();
    expect(closed).toEqual(["2001:db8::2", "2001:db8::3"]);
    const last = enter("192.0.2.1");
    last?.begin();
    expect(closed).toEqual(["2001:db8::2", "2001:db8::3", "192.0.2.2"]);
    // All three are asking something, and one peer has all that it may.
    expect(enter("192.0.2.1")).toBeUndefined();
    expect(enter("203.0.113.1")).toBeUndefined();
    expect([crowd.hasRoomFor("192.0.2.1"), crowd.hasRoomFor("203.0.113.1")]).toEqual([false, false]);
    busy?.begin();
    busy?.end();
    expect(enter("203.0.113.1")).toBeUndefined();
    busy?.end();
    expect([crowd.hasRoomFor("192.0.2.1"), crowd.hasRoomFor("203.0.113.1")]).toEqual([false, true]);
    expect(enter("203.0.113.1")).toBeDefined();
    expect(closed.at(-1)).toBe("2001:db8::1");
  });

  test("are pushed out at a rate, so that a peer with too many does not have all opened anew without end", () => {
    let monotonic = 0;
    const clock = { monotonic: () => monotonic };
    const crowd = createConnectionCrowd({ most: 9, mostOfPeer: 1 }, [], clock);
    const enter = (address: string) => crowd.enter(address, () => {}) !== undefined;
    let entered = 0;
    while (entered < 300 && enter("192.0.2.1")) entered++;
    // The first found a place that was free.
    expect(entered).toBe(201);
    expect(enter("203.0.113.1")).toBe(true);
    expect(enter("203.0.113.1")).toBe(true);
    monotonic = 1_000;
    for (let count = 0; count < 20; count++) expect(enter("192.0.2.1")).toBe(true);
    expect(crowd.hasRoomFor("192.0.2.1")).toBe(true);
    expect(enter("192.0.2.1")).toBe(false);
    expect([crowd.hasRoomFor("192.0.2.1"), crowd.hasRoomFor("203.0.113.1")]).toEqual([false, true]);
    monotonic += 50;
    expect(crowd.hasRoomFor("192.0.2.1")).toBe(true);
  });

  test("of a trusted proxy are as many as there are in all", () => {
    const proxies = [parseBlock("10.0.0.0/8")].flatMap((block) => block ?? []);
    const crowd = createConnectionCrowd({ most: 3, mostOfPeer: 1 }, proxies);
    const enter = (address: string) => {
      const place = crowd.enter(address, () => {});
      place?.begin();
      return place !== undefined;
    };
    expect([enter("192.0.2.1"), enter("192.0.2.1")]).toEqual([true, false]);
    expect([enter("10.0.0.1"), enter("::ffff:10.0.0.1"), enter("10.0.0.1")]).toEqual([true, true, false]);
  });

  test("that hold all places without asking are closed for whoever asks", async () => {
    const crowd = createConnectionCrowd({ most: 2, mostOfPeer: 2 });
    const answer: RequestListener = (_, response) => void response.end("here");
    const server = createHttpServer(answer, createDeparture(), crowd);
    const port = await server.listen(0, "127.0.0.1");
    const held = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
    for (const socket of held) {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await once(socket, "data");
    }
    expect(await exchange(port, ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"], "here")).toMatch(/^HTTP\/1\.1 200 /);
    if (held[0]?.closed === false) await once(held[0], "close");
    expect(held[1]?.closed).toBe(false);
    await server.closeDoor();
    await server.drain(0);
  });
});
