import { connect } from "node:net";

import { describe, expect, test } from "vitest";

import { parseBlock } from "../../src/caveats/values/address.ts";
import { MAX_BODY } from "../../src/http/request/body.ts";
import { CREDENTIALS } from "../support/fake-service.ts";
import { exchange, listenOn, WAYS } from "./listening.ts";

const AUTHORIZED = `host: x\r\nauthorization: Bearer ${CREDENTIALS.platform}\r\n`;

describe.each(WAYS)("%s", (way) => {
  const listen = (host?: string) => listenOn(way, {}, host);

  test("the peer's address is the socket's, whatever headers say", async () => {
    const { origin, authentications } = await listen();
    const headers = {
      authorization: `Bearer ${CREDENTIALS.platform}`,
      "x-forwarded-for": "203.0.113.9",
      "x-real-ip": "203.0.113.9",
      forwarded: "for=203.0.113.9",
    };
    expect((await fetch(`${origin}/v1/tokens`, { headers })).status).toBe(200);
    expect(authentications[0]?.args[1]).toEqual({ method: "GET", path: "/v1/tokens", ip: "127.0.0.1" });
  });

  test("a trusted proxy is believed: for the caller's address, and in the log", async () => {
    const trustedProxies = [parseBlock("127.0.0.0/8")].flatMap((block) => block ?? []);
    const { port, authentications, requests } = await listenOn(way, {}, "127.0.0.1", { trustedProxies });
    const body = '{"token":"t","context":{}}';
    const ask = (headers: string) =>
      exchange(
        port,
        [
          `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}${headers}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        ],
        '"sequence"',
      );
    // A caveat on `ip` must not take a caller for the proxy that nobody can tell: the log names the proxy, a caveat nothing.
    for (const [headers, ip, peer = ip] of [
      ["x-forwarded-for: 198.51.100.1\r\nx-forwarded-for: 203.0.113.9\r\n", "203.0.113.9"],
      ['forwarded: for=198.51.100.1\r\nforwarded: for="[2001:db8::7]:1"\r\n', "2001:db8::7"],
      ["x-forwarded-for: 203.0.113.9, unknown\r\n", undefined, "127.0.0.1"],
      ["forwarded: for=198.51.100.1\r\nx-forwarded-for: 203.0.113.9\r\n", undefined, "127.0.0.1"],
      ["forwarded: for=\r\nx-forwarded-for: 203.0.113.9\r\n", undefined, "127.0.0.1"],
      ["x-real-ip: 203.0.113.9\r\n", "127.0.0.1"],
    ] as const) {
      expect(await ask(headers)).toMatch(/^HTTP\/1\.1 200 /);
      expect(authentications.at(-1)?.args[1]).toEqual({ method: "POST", path: "/v1/verify", ip });
      expect(requests.at(-1)).toMatchObject({ peer });
    }
  });

  test("an IPv4 peer on a socket for both is named as IPv4", async () => {
    const { origin, authentications } = await listen("::");
    await fetch(`${origin}/v1/tokens`, { headers: { authorization: `Bearer ${CREDENTIALS.platform}` } });
    expect(authentications[0]?.args[1]).toMatchObject({ ip: "127.0.0.1" });
  });

  test("two Authorization headers are refused, not chosen from", async () => {
    const { port, authentications } = await listen();
    const request = `GET /v1/tokens HTTP/1.1\r\n${AUTHORIZED}authorization: Bearer ${CREDENTIALS.administrator}\r\n\r\n`;
    expect(await exchange(port, [request], "}")).toMatch(/^HTTP\/1\.1 401 /);
    expect(authentications).toEqual([]);
  });

  test("a body of many chunks is read whole", async () => {
    const { port, calls } = await listen();
    const head = `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunks = ['{"token":', '"t","con', 'text":{}}'].map(
      (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
    );
    expect(await exchange(port, [head, ...chunks, "0\r\n\r\n"], "sequence")).toMatch(/^HTTP\/1\.1 200 /);
    expect(calls).toHaveLength(1);
  });

  test("a chunked body that becomes too large is told so before the connection ends", async () => {
    const { port, calls, faults } = await listen();
    const head = `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const answer = await exchange(
      port,
      [head, ...Array.from({ length: 20 }, () => chunk)],
      "payload_too_large",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain("payload_too_large");
    expect(calls).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("a body that is announced too large is refused before it is sent", async () => {
    const { port, calls } = await listen();
    const head = `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}content-type: application/json\r\ncontent-length: ${MAX_BODY + 1}\r\n\r\n`;
    expect(await exchange(port, [head], "payload_too_large")).toMatch(/^HTTP\/1\.1 413 /);
    expect(calls).toEqual([]);
  });

  test("a body is not read before the credential is", async () => {
    const { port } = await listen();
    const head = `POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;
    expect(await exchange(port, [head], "unauthenticated")).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("a caller that hangs up within its body is no fault of the service", async () => {
    const { port, requests, faults, calls, authentications } = await listen();
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      `POST /v1/verify HTTP/1.1\r\n${AUTHORIZED}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"token":`,
    );
    await expect.poll(() => authentications.length).toBe(1);
    socket.destroy();
    await expect.poll(() => requests.length).toBe(1);
    expect(requests).toMatchObject([{ status: 400, code: "invalid_request" }]);
    expect([faults, calls]).toEqual([[], []]);
  });

  test("a connection serves on after a refusal that left the body unread", async () => {
    const { port } = await listen();
    const body = '{"token":"t","context":{}}';
    const head = (credential: string) =>
      `POST /v1/verify HTTP/1.1\r\nhost: x\r\n${credential}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const authorization = `authorization: Bearer ${CREDENTIALS.platform}\r\n`;
    const answer = await exchange(port, [head("") + head(authorization)], '"sequence"');
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 401", "HTTP/1.1 200"]);
  });

  test.each([
    ["TRACE", 405, "TRACE /v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a path with dots", 401, "GET /docs/../v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a NUL in the path", 401, "GET /v1/tokens/%00 HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a backslash in the path", 400, "GET /\\v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a host that is none", 400, "GET /healthz HTTP/1.1\r\nhost: a b\r\n\r\n"],
    ["no host", 400, "GET /healthz HTTP/1.1\r\n\r\n"],
    [
      "two lengths",
      400,
      "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ],
    [
      "a length and chunks",
      400,
      "POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    ["headers of 20 KiB", 431, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(20_000)}\r\n\r\n`],
  ])("%s is answered %i", async (_, status, request) => {
    const { port, calls } = await listen();
    expect(await exchange(port, [request], "\r\n\r\n")).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(calls).toEqual([]);
  });
});
