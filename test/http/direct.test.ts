import { connect } from "node:net";
import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { MAX_BATCH_BODY, MAX_BODY } from "../../src/http/request/body.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { exchange, listenOn, WAYS } from "./listening.ts";

const BODY = '{"token":"t","context":{}}';
const BATCH = `{"requests":[${BODY},7,${BODY}]}`;
const TYPED = "content-type: application/json\r\n";
const PLATFORM = `authorization: Bearer ${CREDENTIALS.platform}\r\n`;

/** The end of a request: how long its body is, and the body. */
function sized(text: string): string {
  return `content-length: ${Buffer.byteLength(text, "latin1")}\r\n\r\n${text}`;
}

function ask(headers: string, body = BODY, target = "POST /v1/verify HTTP/1.1"): string {
  return `${target}\r\nhost: x\r\n${headers}${sized(body)}`;
}

const SAME: Readonly<Record<string, string>> = {
  "a good request": ask(PLATFORM + TYPED),
  "a good batch": ask(PLATFORM + TYPED, BATCH, "POST /v1/verify/batch HTTP/1.1"),
  "an empty batch": ask(PLATFORM + TYPED, '{"requests":[]}', "POST /v1/verify/batch HTTP/1.1"),
  "an id of its own": ask(`${PLATFORM + TYPED}x-request-id: mine\r\n`),
  "an id that is none": ask(`${PLATFORM + TYPED}x-request-id: ${"a".repeat(41)}\r\n`),
  "two ids": ask(`${PLATFORM + TYPED}x-request-id: a\r\nx-request-id: b\r\n`),
  "names in capitals": ask(`${PLATFORM.replace("a", "A")}CONTENT-TYPE: application/json\r\n`),
  "space around values": ask(
    `authorization:  \t Bearer ${CREDENTIALS.platform} \t\r\ncontent-type:application/json\r\n`,
  ),
  "no credential": ask(TYPED),
  "no credential, by a client of macaroon-bakery": ask(`${TYPED}bakery-protocol-version: 3\r\n`),
  "a bad credential": ask(`${TYPED}authorization: Bearer zz\r\n`),
  "an empty credential": ask(`${TYPED}authorization:\r\n`),
  "another scheme": ask(`${TYPED}authorization: Basic eDp5\r\n`),
  "two credentials": ask(`${PLATFORM}authorization: Bearer ${CREDENTIALS.administrator}\r\n${TYPED}`),
  "an administrator": ask(`${TYPED}authorization: Bearer ${CREDENTIALS.administrator}\r\n`),
  "a person": ask(`${TYPED}authorization: Bearer ${CREDENTIALS.human}\r\n`),
  "a person in a session": ask(
    `${TYPED}cookie: bakehouse=${CREDENTIALS.session}\r\norigin: http://127.0.0.1:8080\r\n`,
  ),
  "a session from elsewhere": ask(`${TYPED}cookie: bakehouse=${CREDENTIALS.session}\r\n`),
  "a session that is over": ask(`${TYPED}cookie: bakehouse=no\r\norigin: http://127.0.0.1:8080\r\n`),
  "no media type": ask(PLATFORM),
  "another media type": ask(`${PLATFORM}content-type: text/plain\r\n`),
  "two media types": ask(`${PLATFORM + TYPED}content-type: text/plain\r\n`),
  "a media type with a charset": ask(`${PLATFORM}content-type: application/json; charset=utf-8\r\n`),
  "a compressed body": ask(`${PLATFORM + TYPED}content-encoding: gzip\r\n`),
  "an empty body": ask(PLATFORM + TYPED, ""),
  "no body": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}\r\n`,
  "no JSON": ask(PLATFORM + TYPED, "{"),
  "a member twice": ask(PLATFORM + TYPED, '{"token":"t","token":"u","context":{}}'),
  "no UTF-8": ask(PLATFORM + TYPED, '{"\xff"'),
  "text beyond ASCII": ask(PLATFORM + TYPED, '{"token":"\xc3\xa9","context":{"a":"\xe2\x82\xac"}}'),
  "an array": ask(PLATFORM + TYPED, "[]"),
  "a token that is none": ask(PLATFORM + TYPED, '{"token":1,"context":{}}'),
  "no context": ask(PLATFORM + TYPED, '{"token":"t"}'),
  "a context that is none": ask(PLATFORM + TYPED, '{"token":"t","context":[]}'),
  "a reserved fact": ask(PLATFORM + TYPED, '{"token":"t","context":{"time":"x"}}'),
  "an unknown member": ask(PLATFORM + TYPED, '{"token":"t","context":{},"x":1}'),
  "every member": ask(
    PLATFORM + TYPED,
    '{"token":"t","discharges":["d"],"context":{"a":1.0},"cost":{"EUR":1},"proof":{"dpop":"p","method":"GET","uri":"https://api.example"},"endorsements":["e"],"min_sequence":"k3v9Qm2x-41","dry_run":true}',
  ),
  "a query": ask(PLATFORM + TYPED, BODY, "POST /v1/verify?x=1 HTTP/1.1"),
  "an empty query": ask(PLATFORM + TYPED, BODY, "POST /v1/verify? HTTP/1.1"),
  "a fragment": ask(PLATFORM + TYPED, BODY, "POST /v1/verify#x HTTP/1.1"),
  "a slash more": ask(PLATFORM + TYPED, BODY, "POST /v1/verify/ HTTP/1.1"),
  "two slashes": ask(PLATFORM + TYPED, BODY, "POST //v1/verify HTTP/1.1"),
  "dots in the path": ask(PLATFORM + TYPED, BODY, "POST /x/../v1/verify HTTP/1.1"),
  "an escape in the path": ask(PLATFORM + TYPED, BODY, "POST /v1/%76erify HTTP/1.1"),
  "capitals in the path": ask(PLATFORM + TYPED, BODY, "POST /V1/verify HTTP/1.1"),
  "an absolute address": ask(PLATFORM + TYPED, BODY, "POST http://x/v1/verify HTTP/1.1"),
  "another method": ask(PLATFORM + TYPED, BODY, "PUT /v1/verify HTTP/1.1"),
  "a reading method": `GET /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}\r\n`,
  "a reading method without an answer's body": `HEAD /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}\r\n`,
  "a question about methods": `OPTIONS /v1/verify HTTP/1.1\r\nhost: x\r\n\r\n`,
  "an older HTTP": ask(PLATFORM + TYPED, BODY, "POST /v1/verify HTTP/1.0"),
  "a body in chunks": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}transfer-encoding: chunked\r\n\r\n1a\r\n${BODY}\r\n0\r\n\r\n`,
  "a body that waits to be asked for": ask(`${PLATFORM + TYPED}expect: 100-continue\r\n`),
  "an unknown expectation": ask(`${PLATFORM + TYPED}expect: a miracle\r\n`),
  "a length beyond the limit": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: ${MAX_BODY + 1}\r\n\r\n`,
  "a length beyond a batch's limit": `POST /v1/verify/batch HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: ${MAX_BATCH_BODY + 1}\r\n\r\n`,
  "a length that is none": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: 1e1\r\n\r\n${BODY}`,
  "a length with a sign": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: +26\r\n\r\n${BODY}`,
  "two lengths": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: 26\r\ncontent-length: 26\r\n\r\n${BODY}`,
  "a length and chunks": `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${PLATFORM}${TYPED}content-length: 26\r\ntransfer-encoding: chunked\r\n\r\n${BODY}`,
  "a host with a port": ask(PLATFORM + TYPED).replace("host: x", "host: bakehouse.example:8080"),
  "a host of version 6": ask(PLATFORM + TYPED).replace("host: x", "host: [::1]:8080"),
  "a host that is none": ask(PLATFORM + TYPED).replace("host: x", "host: a b"),
  "a host with a path": ask(PLATFORM + TYPED).replace("host: x", "host: x/v1?"),
  "a host with a user": ask(PLATFORM + TYPED).replace("host: x", "host: u@x"),
  "a port that is none": ask(PLATFORM + TYPED).replace("host: x", "host: x:99999"),
  "a host of dots": ask(PLATFORM + TYPED).replace("host: x", "host: ..."),
  "an address that is none": ask(PLATFORM + TYPED).replace("host: x", "host: 1.2.3.999"),
  "a name that is a number": ask(PLATFORM + TYPED).replace("host: x", "host: 0x7f.1"),
  "an empty host": ask(PLATFORM + TYPED).replace("host: x", "host:"),
  "no host": ask(PLATFORM + TYPED).replace("host: x\r\n", ""),
  "a header folded onto a second line": ask(`${PLATFORM + TYPED}x-a: b\r\n c\r\n`),
  "a space before the colon": ask(`${PLATFORM + TYPED}x-a : b\r\n`),
};

/** What was answered, logged and asked, without what no two answers share. */
async function told(way: (typeof WAYS)[number], request: string, parts: Parameters<typeof listenOn>[1] = {}) {
  const { port, requests, faults, calls, authentications } = await listenOn(way, parts);
  const raw = await exchange(port, [request.replace("\r\n", "\r\nconnection: close\r\n")], "\u0000");
  const plain = raw
    .replace(/\r\ndate: [^\r]*/gi, "\r\ndate: D")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "ID");
  // Header names are the same in any case, and in any order: those of an answer before the last, too.
  const answered = plain.split("\r\n\r\n").map((part) => {
    if (!part.startsWith("HTTP/1.1 ")) return part;
    const [status = "", ...headers] = part.split("\r\n");
    return [
      status,
      ...headers.map((line) => line.replace(/^[^:]+:/, (name) => name.toLowerCase())).sort(),
    ].join("\n");
  });
  const events = requests.map(({ requestId, milliseconds: _, ...event }) => ({
    ...event,
    own: requestId === "mine",
  }));
  return {
    answered,
    logged: [events, faults.map(({ name, route }) => ({ name, route }))],
    asked: [calls, authentications],
  };
}

describe("the direct routes answer, log and ask what the app does", () => {
  test.each(Object.entries(SAME))("%s", async (_name, request) => {
    const [app, direct] = await Promise.all(WAYS.map((way) => told(way, request)));
    expect(app?.answered[0]).toMatch(/^HTTP\/1\.1 [1-5]\d\d /);
    expect(direct).toEqual(app);
  });

  const fail = (error: unknown) => async () => Promise.reject(error);
  test.each([
    ["a refusal", { decisions: { decide: fail(new DomainError("forbidden", "no")) } }],
    ["an outage", { decisions: { decide: fail(new DomainError("unavailable", "no")) } }],
    ["a fault", { decisions: { decide: fail(new TypeError("secret")) } }],
    ["a fault that is no error", { decisions: { decide: fail("secret") } }],
    [
      "an outage while the caller is found",
      { authentication: { bearer: fail(new DomainError("unavailable", "no")) } },
    ],
  ])("%s", async (_name, parts) => {
    const [app, direct] = await Promise.all(WAYS.map((way) => told(way, ask(PLATFORM + TYPED), parts)));
    expect(direct).toEqual(app);
    expect(JSON.stringify(direct)).not.toContain("secret");
  });
});

describe("what is answered without the app", () => {
  test.each([
    ["a good request", 0],
    ["a good batch", 0],
    ["no credential", 0],
    ["no JSON", 0],
    ["a host with a port", 0],
    ["a query", 1],
    ["a body in chunks", 1],
    ["a host of version 6", 1],
    ["a length beyond the limit", 1],
    ["another method", 1],
  ])("%s: passed on %i times", async (name, times) => {
    const { port, passedOn } = await listenOn("the app behind the direct routes");
    await exchange(port, [SAME[name] ?? ""], "}");
    expect(passedOn()).toBe(times);
  });
});

describe.each(WAYS)("on one connection, %s", (way) => {
  test("answers what comes in one packet in order", async () => {
    const { port, calls } = await listenOn(way);
    const good = ask(PLATFORM + TYPED);
    const text = await exchange(
      port,
      [good + ask(TYPED) + good + ask(PLATFORM) + good.replace("\r\n", "\r\nconnection: close\r\n")],
      "\u0000",
    );
    expect(text.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(-3))).toEqual([
      "200",
      "401",
      "200",
      "415",
      "200",
    ]);
    expect(calls).toHaveLength(3);
  });

  test("reads a body that comes a byte at a time", async () => {
    const { port, calls } = await listenOn(way);
    const request = ask(PLATFORM + TYPED);
    const socket = connect(port, "127.0.0.1").setNoDelay();
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    for (const byte of request) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => text).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
    expect(calls).toHaveLength(1);
  });

  test.each([70_000, 300_000, MAX_BODY])("reads a body of %i bytes to its end", async (size) => {
    const { port, calls } = await listenOn(way);
    const body = BODY.replace('"t"', `"${"t".repeat(size - BODY.length + 1)}"`);
    expect(await exchange(port, [ask(PLATFORM + TYPED, body)], "sequence")).toMatch(/^HTTP\/1\.1 200 /);
    expect(calls[0]?.args[1]).toMatchObject({ token: "t".repeat(size - BODY.length + 1) });
  });

  test("closes the connection of whoever keeps sending a body that was refused", async () => {
    const { port, calls } = await listenOn(way);
    const request = `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${TYPED}content-length: 1000\r\n\r\n{`;
    const text = await exchange(port, [request], "\u0000");
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(calls).toEqual([]);
  });

  test("says nothing to whoever has hung up, and goes on", async () => {
    const { port, requests, faults } = await listenOn(way, {
      decisions: { decide: async () => Promise.reject(new DomainError("unavailable", "no")) },
    });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(ask(PLATFORM + TYPED), () => socket.resetAndDestroy());
    await expect.poll(() => requests.length).toBe(1);
    expect(await exchange(port, [ask(PLATFORM + TYPED)], "}")).toMatch(/^HTTP\/1\.1 503 /);
    expect(faults).toEqual([]);
  });

  test("a caller who may not is told so before the body is there", async () => {
    const { port, calls } = await listenOn(way);
    const head = `POST /v1/verify/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CREDENTIALS.human}\r\n${TYPED}content-length: ${MAX_BATCH_BODY}\r\n\r\n`;
    expect(await exchange(port, [head], "forbidden")).toMatch(/^HTTP\/1\.1 403 /);
    expect(calls).toEqual([]);
  });
});
