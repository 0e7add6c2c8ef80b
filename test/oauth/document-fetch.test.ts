/** Each guard of the only fetch of an address that a caller names, against real servers. */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createClientDocuments } from "../../src/domain/oauth/documents.ts";
import { MAX_DOCUMENT } from "../../src/domain/oauth/outside.ts";
import { createDocumentFetch } from "../../src/oidc/document-fetch.ts";
import { createAuthority } from "../support/authority.ts";

const authority = createAuthority();
const HOST = "app.example";

interface Running {
  readonly port: number;
  readonly hits: string[];
  close(): void;
}

const running: Running[] = [];
afterAll(() => {
  for (const { close } of running) close();
});

const listening = (server: ReturnType<typeof createHttpsServer>, at: string, hits: string[]) =>
  new Promise<Running>((resolve) => {
    server.listen(0, at, () => {
      const one = {
        port: (server.address() as AddressInfo).port,
        hits,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      };
      running.push(one);
      resolve(one);
    });
  });

/** Serves over TLS for the name of the client. */
function serve(answer: RequestListener, at = "127.0.0.1", host = HOST): Promise<Running> {
  const hits: string[] = [];
  const server = createHttpsServer(authority.certify(host), (request, response) => {
    hits.push(`${request.headers.host} ${request.url}`);
    answer(request, response);
  });
  return listening(server, at, hits);
}

const json =
  (body: string, headers: Readonly<Record<string, string>> = {}, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(body);
  };

/** A fetch that believes the test's authority and may reach this machine, by any name. */
const open = (options: Partial<Parameters<typeof createDocumentFetch>[0]> = {}) =>
  createDocumentFetch({
    allowsLoopback: false,
    authorities: [authority.cert],
    resolve: async () => ["127.0.0.1"],
    isReachable: (address) => address.startsWith("127."),
    ...options,
  });

const at = (port: number, host = HOST) => new URL(`https://${host}:${port}/client.json?v=1`);

describe("a good document", () => {
  test("comes with its headers, from the name it was asked under", async () => {
    const server = await serve(json('{"a":1}', { "cache-control": "max-age=60", age: "7" }));
    const fetched = await open().fetch(at(server.port));
    expect(fetched).toEqual({
      ok: true,
      bytes: new TextEncoder().encode('{"a":1}'),
      cacheControl: "max-age=60",
      age: 7,
    });
    expect(server.hits).toEqual([`${HOST}:${server.port} /client.json?v=1`]);
  });

  test("may have five kilobytes, and a JSON type of its own", async () => {
    const server = await serve(
      json(" ".repeat(MAX_DOCUMENT), { "content-type": "application/cimd+json; a=b" }),
    );
    expect((await open().fetch(at(server.port))).ok).toBe(true);
  });
});

describe("what is not JSON of five kilobytes", () => {
  test.each<{ readonly why: string; readonly answer: RequestListener }>([
    { why: "one byte more, announced", answer: json(" ".repeat(MAX_DOCUMENT + 1)) },
    {
      why: "without end",
      answer: (_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const timer = setInterval(() => response.write(" ".repeat(1_000)), 1);
        response.on("close", () => clearInterval(timer));
      },
    },
    { why: "HTML", answer: json("{}", { "content-type": "text/html" }) },
    { why: "without a type", answer: json("{}", { "content-type": "" }) },
    { why: "compressed", answer: json("{}", { "content-encoding": "gzip" }) },
    { why: "not found", answer: json("{}", {}, 404) },
    { why: "of another status", answer: json("{}", {}, 201) },
    {
      why: "cut off",
      answer: (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        response.write("{}", () => response.destroy());
      },
    },
  ])("$why", async ({ answer }) => {
    const server = await serve(answer);
    expect((await open().fetch(at(server.port))).ok).toBe(false);
    expect(server.hits).toHaveLength(1);
  });

  test.each([301, 302, 303, 307, 308])("a redirect %i is not followed", async (status) => {
    const other = await serve(json("{}"));
    const server = await serve(json("{}", { location: at(other.port).href }, status));
    expect((await open().fetch(at(server.port))).ok).toBe(false);
    expect(other.hits).toEqual([]);
  });
});

describe("time", () => {
  const slow = { patience: 200 };

  test("a name that is never resolved", async () => {
    const fetched = await open({ ...slow, resolve: () => new Promise(() => {}) }).fetch(at(1));
    expect(fetched).toEqual({ ok: false, why: "it did not come in time" });
  });

  test("a server that takes the connection and says nothing", async () => {
    const server = createTcpServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect((await open(slow).fetch(at(port))).ok).toBe(false);
    server.close();
  });

  test("a body that comes a byte at a time", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    expect(await open(slow).fetch(at(server.port))).toEqual({ ok: false, why: "it did not come in time" });
  });

  test("no more than sixteen at a time", async () => {
    const fetch = open({ patience: 2_000, resolve: () => new Promise(() => {}) });
    const all = Array.from({ length: 17 }, () => fetch.fetch(at(1)));
    expect(await Promise.race(all)).toEqual({ ok: false, why: "too many documents are being fetched" });
  });
});

describe("addresses", () => {
  const NO = { ok: false, why: "its address is not one of the public internet's" };
  let server: Running;
  beforeAll(async () => {
    server = await serve(json("{}"));
  });

  test.each([
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.0.1",
    "0.0.0.0",
    "::1",
    "::ffff:127.0.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ])("a name of %s", async (address) => {
    const fetch = createDocumentFetch({ allowsLoopback: false, resolve: async () => [address] });
    expect(await fetch.fetch(at(server.port))).toEqual(NO);
  });

  test.each([
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "localhost",
  ])("the address %s itself", async (host) => {
    const fetch = createDocumentFetch({ allowsLoopback: false });
    expect(await fetch.fetch(at(server.port, host))).toEqual(NO);
  });

  test("one bad address among good ones", async () => {
    const fetch = open({ resolve: async () => ["127.0.0.1", "10.0.0.1"] });
    expect(await fetch.fetch(at(server.port))).toEqual(NO);
    expect(server.hits).toEqual([]);
  });

  test("a name without any", async () => {
    expect((await open({ resolve: async () => [] }).fetch(at(server.port))).ok).toBe(false);
  });

  // DNS rebinding: the first answer passes the check, and the next one names an address that must not be reached.
  test("a name that moves is resolved once, and that very address is asked", async () => {
    const first = await serve(json('"first"'), "127.0.0.2");
    const hits: string[] = [];
    const inner = createHttpsServer(authority.certify(HOST), (request, response) => {
      hits.push(request.url ?? "");
      json('"inner"')(request, response);
    });
    await new Promise<void>((resolve) => inner.listen(first.port, "127.0.0.1", resolve));
    const answers = ["127.0.0.2", "127.0.0.1", "127.0.0.1"];
    let asked = 0;
    const fetch = open({
      resolve: async () => [answers[asked++] ?? ""],
      isReachable: (address) => address === "127.0.0.2",
    });
    const fetched = await fetch.fetch(at(first.port));
    inner.close();
    expect(fetched).toMatchObject({ ok: true, bytes: new TextEncoder().encode('"first"') });
    expect({ asked, hits }).toEqual({ asked: 1, hits: [] });
  });

  test("a certificate for another name", async () => {
    const other = await serve(json("{}"), "127.0.0.1", "other.example");
    expect((await open().fetch(at(other.port))).ok).toBe(false);
    expect(other.hits).toEqual([]);
  });

  test("an authority that nobody knows", async () => {
    expect((await open({ authorities: [] }).fetch(at(server.port))).ok).toBe(false);
  });

  test("a proxy of the environment is passed by", async () => {
    const proxied: string[] = [];
    const proxy = createHttpServer().on("connect", (request, socket) => {
      proxied.push(request.url ?? "");
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "NODE_USE_ENV_PROXY"] as const;
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names)
      process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : `http://127.0.0.1:${port}`;
    try {
      expect((await open().fetch(at(server.port))).ok).toBe(true);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      proxy.close();
    }
    expect(proxied).toEqual([]);
  });
});

describe("http", () => {
  test("never, but on this machine with the development identity provider", async () => {
    const server = createHttpServer(json("{}"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/client.json`);
    expect((await open().fetch(url)).ok).toBe(false);
    const development = createDocumentFetch({ allowsLoopback: true });
    expect((await development.fetch(url)).ok).toBe(true);
    const elsewhere = createDocumentFetch({ allowsLoopback: true, resolve: async () => ["8.8.8.8"] });
    expect((await elsewhere.fetch(new URL("http://app.example/client.json"))).ok).toBe(false);
    server.close();
  });
});

describe("the documents that are kept", () => {
  const id = new URL("https://app.example/client.json");
  const document = { client_id: id.href, client_name: "App", redirect_uris: ["https://app.example/cb"] };

  function kept(
    answers: (n: number) => { readonly ok: boolean; readonly cacheControl?: string; readonly name?: string },
  ) {
    let now = 0;
    let fetched = 0;
    const documents = createClientDocuments({
      clock: { monotonic: () => now },
      documents: {
        async fetch(url) {
          const { ok, cacheControl = "", name = "App" } = answers(fetched++);
          if (!ok) return { ok: false, why: "it could not be had" };
          const text = JSON.stringify({ ...document, client_id: url.href, client_name: name });
          return { ok: true, bytes: new TextEncoder().encode(text), cacheControl, age: 0 };
        },
      },
    });
    return {
      documents,
      fetched: () => fetched,
      advance: (seconds: number) => {
        now += seconds * 1000;
      },
    };
  }

  test("are fetched once at the same time, and again after their time", async () => {
    const { documents, fetched, advance } = kept((n) => ({
      ok: true,
      cacheControl: "max-age=600",
      name: `App ${n}`,
    }));
    const both = await Promise.all([documents.find(id, "a"), documents.find(id, "b")]);
    expect(both.every(({ ok }) => ok)).toBe(true);
    advance(599);
    await documents.find(id, "a");
    expect(fetched()).toBe(1);
    advance(2);
    const changed = await documents.find(id, "a");
    expect(fetched()).toBe(2);
    const [first] = both;
    if (first === undefined || !first.ok || !changed.ok) throw new Error("a document is missing");
    expect(changed.client.name).toBe("App 1");
    expect(changed.client.hash).not.toEqual(first.client.hash);
  });

  test("failures are asked again, and bounded by address, host and asker", async () => {
    const { documents, fetched, advance } = kept(() => ({ ok: false }));
    for (let n = 0; n < 8; n++) await documents.find(id, `asker ${n}`);
    expect(fetched()).toBe(5);
    for (let n = 0; n < 40; n++) await documents.find(new URL(`https://app.example/${n}`), `asker ${n}`);
    expect(fetched()).toBe(20);
    for (let n = 0; n < 40; n++) await documents.find(new URL(`https://h${n}.example/c`), "one");
    expect(fetched()).toBe(30);
    const busy = await documents.find(new URL("https://h99.example/c"), "one");
    expect(busy).toMatchObject({ ok: false, busy: true });
    advance(5);
    await documents.find(new URL("https://h99.example/c"), "one");
    expect(fetched()).toBe(31);
  });
});

describe("names", () => {
  /** A name server that answers with the bytes that are made of a question, or not at all. */
  async function nameServer(answer: (question: Buffer) => Buffer | undefined): Promise<string> {
    const socket = createSocket("udp4");
    socket.on("message", (question, { port, address }) => {
      const bytes = answer(question);
      if (bytes !== undefined) socket.send(bytes, port, address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    running.push({ port: socket.address().port, hits: [], close: () => socket.close() });
    return `127.0.0.1:${socket.address().port}`;
  }

  const usual = { resolve: undefined } as unknown as { readonly resolve: () => Promise<readonly string[]> };

  /** An answer (RFC 1035 §4.1) of one address to a question for A, and of none to others. */
  function toA(question: Buffer, address: readonly number[]): Buffer {
    const type = question.readUInt16BE(question.length - 4);
    const end = question.indexOf(0, 12) + 5;
    const isA = question.readUInt16BE(end - 4) === 1 || type === 1;
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(isA ? 1 : 0, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]);
    return Buffer.concat([head, question.subarray(12, end), ...(isA ? [record] : [])]);
  }

  test("are asked of the name servers, and the address that they say is the one that is looked at", async () => {
    const here = await serve(json('{"client_id":"x"}'));
    const servers = [await nameServer((question) => toA(question, [127, 0, 0, 1]))];
    const fetched = await open({ ...usual, nameServers: servers }).fetch(at(here.port));
    expect(fetched).toMatchObject({ ok: true });
    const guarded = open({ ...usual, nameServers: servers, isReachable: () => false });
    expect(await guarded.fetch(at(here.port))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/public/),
    });
  });

  test("whose servers never answer keep nobody else's from being looked up", async () => {
    const silent = [await nameServer(() => undefined)];
    const { fetch } = open({ ...usual, nameServers: silent, patience: 60_000 });
    let ended = 0;
    const all = Array.from({ length: 12 }, () => fetch(at(443)).then(() => ended++));
    await lookup("localhost");
    expect(ended).toBe(0);
    await Promise.all(all);
  });

  test("are given up on when their time is over", async () => {
    const silent = [await nameServer(() => undefined)];
    const fetched = await open({ ...usual, nameServers: silent, patience: 50 }).fetch(at(443));
    expect(fetched).toEqual({ ok: false, why: "it did not come in time" });
  });
});
