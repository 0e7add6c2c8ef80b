import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { developmentIssuer } from "../../src/oidc/development/issuer.ts";
import { refusalOf } from "../../src/oidc/development/local-only.ts";
import { createDevelopmentProvider } from "../../src/oidc/development/provider.ts";
import { type DevelopmentServer, memorySigningKeys, startDevelopmentServer } from "./development-server.ts";

const DISCOVERY = "/dev-idp/.well-known/openid-configuration";
let server: DevelopmentServer;

beforeAll(async () => {
  server = await startDevelopmentServer();
});

afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { port } = new URL(server.publicUrl);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text });
      });
    });
    request.on("error", reject).end();
  });
}

describe("a Host header", () => {
  test.each(["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8080"])(
    "%s is answered",
    async (host) => {
      expect((await ask(DISCOVERY, { host })).status).toBe(200);
    },
  );

  test.each([
    "bakehouse.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:80@evil.example",
    "localhost@evil.example",
    "evil.example#localhost",
    "evil.example/localhost",
    "10.0.0.1",
    "0.0.0.0",
    "[::]",
    "127.1",
    "0x7f000001",
    "2130706433",
    "localhost.",
    "foo.localhost",
    "[::ffff:127.0.0.1]",
  ])("%s is refused", async (host) => {
    const answer = await ask(DISCOVERY, { host });
    expect(answer).toEqual({
      status: 403,
      type: "text/plain; charset=utf-8",
      text: "the development identity provider serves this machine only: the Host header does not name this machine\n",
    });
  });

  test("that is missing or sent twice is refused", async () => {
    expect(await raw(`GET ${DISCOVERY} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    const twice = `GET ${DISCOVERY} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
    expect(await raw(twice)).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  test("does not change the addresses in documents", async () => {
    const plain: unknown = JSON.parse((await ask(DISCOVERY)).text);
    expect(JSON.parse((await ask(DISCOVERY, { host: "localhost:1" })).text)).toEqual(plain);
    expect(plain).toMatchObject({
      issuer: `${server.publicUrl}/dev-idp`,
      authorization_endpoint: `${server.publicUrl}/dev-idp/auth`,
      jwks_uri: `${server.publicUrl}/dev-idp/jwks`,
    });
  });
});

test("an absolute address in the request line is not believed", async () => {
  const answer = await raw(
    `GET http://evil.example${DISCOVERY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).not.toMatch(/evil\.example/);
  expect(answer).not.toMatch(/authorization_endpoint/);
});

describe("a forwarding header", () => {
  test.each([
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Anything",
    "X-Real-IP",
    "Via",
    "True-Client-IP",
    "CF-Connecting-IP",
  ])("%s is refused, even empty", async (name) => {
    for (const value of ["127.0.0.1", ""]) {
      expect(await ask(DISCOVERY, { [name]: value })).toEqual({
        status: 403,
        type: "text/plain; charset=utf-8",
        text: "the development identity provider serves this machine only: the request came through a proxy\n",
      });
    }
  });

  test("is refused on every path of the provider", async () => {
    for (const path of [
      "/dev-idp",
      "/dev-idp/",
      "/dev-idp/auth",
      "/dev-idp/interaction/x",
      "/dev-idp/nowhere",
    ]) {
      expect((await ask(path, { via: "1.1 proxy" })).status).toBe(403);
    }
  });
});

describe("a peer", () => {
  test.each([
    { address: "127.0.0.1", refused: false },
    { address: "127.8.8.8", refused: false },
    { address: "::1", refused: false },
    { address: "::ffff:127.0.0.1", refused: false },
    { address: "10.0.0.7", refused: true },
    { address: "192.168.1.2", refused: true },
    { address: "::ffff:10.0.0.7", refused: true },
    { address: "fe80::1", refused: true },
    { address: "1127.0.0.1", refused: true },
    { address: "", refused: true },
    { address: undefined, refused: true },
  ])("at $address is refused: $refused", ({ address, refused }) => {
    const request = {
      socket: { remoteAddress: address },
      headers: { host: "localhost" },
      headersDistinct: { host: ["localhost"] },
    } as unknown as IncomingMessage;
    expect(refusalOf(request)).toBe(refused ? "the peer is not this machine" : undefined);
  });
});

test.each([
  "https://127.0.0.1:8080",
  "http://bakehouse.example",
  "http://127.0.0.1.evil.example",
  "http://0.0.0.0:8080",
  "http://192.168.1.2",
  "nonsense",
])("there is no provider for %s", async (publicUrl) => {
  const made = createDevelopmentProvider({
    publicUrl,
    signingKeys: memorySigningKeys(),
    cookieKeys: ["key"],
    clients: { web: { id: "a", redirectUri: `${publicUrl}/callback` }, cli: { id: "b" } },
  });
  await expect(made).rejects.toBeInstanceOf(TypeError);
});

test.each([
  { publicUrl: "http://127.0.0.1:8080", issuer: "http://127.0.0.1:8080/dev-idp" },
  { publicUrl: "http://localhost/", issuer: "http://localhost/dev-idp" },
  { publicUrl: "http://localhost/a", issuer: "http://localhost/a/dev-idp" },
])("the issuer at $publicUrl is $issuer", ({ publicUrl, issuer }) => {
  expect(developmentIssuer(publicUrl)).toBe(issuer);
});

test.each([
  { path: "/dev-idp", owned: true },
  { path: "/dev-idp/auth", owned: true },
  { path: "/dev-idpx", owned: false },
  { path: "/", owned: false },
  { path: "//dev-idp/auth", owned: false },
])("$path is the provider's: $owned", ({ path, owned }) => {
  expect(server.provider.owns(path)).toBe(owned);
});

/** Sends bytes as they are and answers with all that comes back. */
function raw(text: string): Promise<string> {
  const { port } = new URL(server.publicUrl);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}
