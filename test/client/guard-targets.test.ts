import { createServer } from "node:http";
import { connect } from "node:net";

import { createAdaptorServer } from "@hono/node-server";
import fc from "fast-check";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Allowed, guardHono, guardNode, readTarget, type Verifier } from "../../src/client/index.ts";

/** Targets, and the path that is cleared for each; undefined for one that is refused. */
const TARGETS: readonly (readonly [string, string | undefined])[] = [
  ["/", "/"],
  ["/admin", "/admin"],
  ["/admin/", "/admin/"],
  ["/admin?x=/public", "/admin"],
  ["/admin?x=/../public", "/admin"],
  ["/admin?x=%2e%2e", "/admin"],
  ["/?/admin", "/"],
  ["/a/b/c", "/a/b/c"],
  ["/a.b/c..d/...", "/a.b/c..d/..."],
  ["/.well-known/x", "/.well-known/x"],
  ["/~alice/-_", "/~alice/-_"],
  ["/a%20b", "/a b"],
  ["/caf%C3%A9", "/café"],
  ["/caf%c3%a9", "/café"],
  ["/users/alice%40example.com", "/users/alice@example.com"],
  ["/users/alice@example.com", "/users/alice@example.com"],
  ["/a%3Bb%2Cc", "/a;b,c"],
  ["/caf%E9", undefined],
  ["/%C0%AE%C0%AE/admin", undefined],
  ["/%ED%A0%80", undefined],
  ["/a;v=1/b", "/a;v=1/b"],
  ["/a:b@c", "/a:b@c"],
  ["/!$&'()*+,;=", "/!$&'()*+,;="],
  ["/100%25", "/100%"],
  ["/100%25/x", "/100%/x"],
  ["/a|b[0]", "/a|b[0]"],
  ["/a?b?c", "/a"],
  // Dot segments, as they are and escaped.
  ["/public/../admin", undefined],
  ["/public/..", undefined],
  ["/public/.", undefined],
  ["/./admin", undefined],
  ["/../admin", undefined],
  ["/public/./admin", undefined],
  ["/public/%2e%2e/admin", undefined],
  ["/public/%2E%2E/admin", undefined],
  ["/public/.%2e/admin", undefined],
  ["/public/%2e./admin", undefined],
  ["/public/%2e/admin", undefined],
  ["/%2e%2e%2fadmin", undefined],
  ["/public/..;/admin", undefined],
  ["/public/..;x=1/admin", undefined],
  ["/public/.;/admin", undefined],
  ["/public/..%3b/admin", undefined],
  // Slashes and backslashes.
  ["/public/..\\admin", undefined],
  ["/public\\..\\admin", undefined],
  ["/\\admin", undefined],
  ["\\admin", undefined],
  ["/public/..%5cadmin", undefined],
  ["/public%5C..%5Cadmin", undefined],
  ["/public%2fadmin", undefined],
  ["/public%2Fadmin", undefined],
  ["/public/..%2fadmin", undefined],
  ["//admin", undefined],
  ["/public//admin", undefined],
  ["///", undefined],
  ["//other.example/admin", undefined],
  ["/public//", undefined],
  // Escapes that hide a character, or an escape.
  ["/%61dmin", undefined],
  ["/adm%69n", undefined],
  ["/a%2Db", undefined],
  ["/%7Ealice", undefined],
  ["/public/%252e%252e/admin", undefined],
  ["/public%252fadmin", undefined],
  ["/%25%32%65", undefined],
  ["/a%00b", undefined],
  ["/a%0d%0ab", undefined],
  ["/a%7fb", undefined],
  ["/a%", undefined],
  ["/a%4", undefined],
  ["/a%zz", undefined],
  ["/%u002e%u002e/admin", undefined],
  // Characters that readers cut at, drop or escape.
  ["/admin#/public", undefined],
  ["/public?x#/admin", undefined],
  ["/a\u0000b", undefined],
  ["/a\tb", undefined],
  ["/a\nb", undefined],
  ["/a b", undefined],
  ["/admin\u00a0", undefined],
  ["/caf\u00e9", undefined],
  ["/\uff0e\uff0e/admin", undefined],
  ["/a\u2215b", undefined],
  ['/a"b', undefined],
  ["/a<b>", undefined],
  ["/{a}", undefined],
  ["/a^b`", undefined],
  // Other forms of a target.
  ["http://other.example/admin", undefined],
  ["HTTPS://user@other.example:1/admin?x", undefined],
  ["http:/admin", undefined],
  ["ws://other.example/a", undefined],
  ["*", undefined],
  ["other.example:443", undefined],
  ["admin", undefined],
  ["", undefined],
  ["?x", undefined],
];

const ALLOWED = { allowed: true } as unknown as Allowed;

/** Allows everything, and remembers the paths that it was asked about. */
function recording() {
  const paths: unknown[] = [];
  const verifier: Verifier = {
    async verify({ context }) {
      paths.push(context["path"]);
      return ALLOWED;
    },
  };
  return { verifier, paths };
}

const AUTHORIZATION = "Bearer AgEA";

async function nodeAs(method: string, verifier: Verifier): Promise<void> {
  const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
  const request = { method, url: "/", headers: { authorization: AUTHORIZATION }, socket: {} };
  await guardNode(verifier)(request, response, () => {});
}

async function honoAs(method: string, verifier: Verifier): Promise<void> {
  const raw = { url: "http://h/", signal: new AbortController().signal } as Request;
  const c = { req: { raw, method, path: "/", header: () => AUTHORIZATION }, set: () => {} };
  await guardHono(verifier)(c, async () => {});
}

async function throughNode(target: string, originalUrl?: string) {
  const { verifier, paths } = recording();
  let ran = false;
  const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
  const request = {
    method: "GET",
    url: target,
    ...(originalUrl === undefined ? {} : { originalUrl }),
    headers: { authorization: AUTHORIZATION },
    socket: {},
  };
  await guardNode(verifier)(request, response, () => {
    ran = true;
  });
  return { status: response.statusCode, ran, paths };
}

/** @param url what hono was handed, whole; its own `Request` would normalise it */
async function throughHono(url: string, path: string) {
  const { verifier, paths } = recording();
  let ran = false;
  const raw = { url, signal: new AbortController().signal } as Request;
  const c = { req: { raw, method: "GET", path, header: () => AUTHORIZATION }, set: () => {} };
  const answer = await guardHono(verifier)(c, async () => {
    ran = true;
  });
  return { status: answer?.status ?? 200, ran, paths };
}

test.each([
  ["node:http", (verifier: Verifier) => nodeAs("HEAD", verifier)],
  ["hono", (verifier: Verifier) => honoAs("HEAD", verifier)],
])("%s: HEAD is cleared as GET as well, whose handler answers it", async (_, run) => {
  const methods: unknown[] = [];
  await run({
    async verify({ context }) {
      methods.push(context["method"]);
      return ALLOWED;
    },
  });
  expect(methods).toEqual([["HEAD", "GET"]]);
});

test.each([
  [{}, false],
  [{ _router: { caseSensitive: false, strict: true } }, false],
  [{ _router: { caseSensitive: true } }, false],
  [{ _router: { caseSensitive: true, strict: true } }, true],
  [{ router: { caseSensitive: true, strict: true } }, true],
  [{ router: { caseSensitive: undefined, strict: undefined } }, false],
])("an application of Express like %j is guarded: %s", async (app, isGuarded) => {
  const { verifier, paths } = recording();
  const outcomes: unknown[] = [];
  const request = { url: "/ADMIN", headers: { authorization: AUTHORIZATION }, socket: {}, app };
  const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
  await guardNode(verifier)(request, response, (error) => void outcomes.push(error));
  expect(paths).toHaveLength(isGuarded ? 1 : 0);
  expect(outcomes).toEqual([isGuarded ? undefined : expect.any(TypeError)]);
});

test("the table has enough of each", () => {
  expect(TARGETS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(TARGETS.map(([target]) => target)).size).toBe(TARGETS.length);
});

describe.each(TARGETS)("%j", (target, path) => {
  const refused = { status: 400, ran: false, paths: [] };

  test("node:http", async () => {
    const cleared = { status: 200, ran: true, paths: [path] };
    expect(await throughNode(target)).toEqual(path === undefined ? refused : cleared);
  });

  test("Express, whose routers cut the path of the request", async () => {
    const cleared = { status: 200, ran: true, paths: [path] };
    expect(await throughNode("/", target)).toEqual(path === undefined ? refused : cleared);
  });

  test("hono", async () => {
    // A URL without a path has the path / for every reader.
    if (target === "" || target === "?x") return;
    // A URL is scheme, host and target: what does not begin with a slash would be a part of the host.
    const after = target.startsWith("/") ? target : `/${target}`;
    const wanted = readTarget(after);
    const cleared = { status: 200, ran: true, paths: ["as hono read it"] };
    expect(await throughHono(`http://h${after}`, "as hono read it")).toEqual(wanted.ok ? cleared : refused);
    if (target.startsWith("/")) expect(wanted.ok).toBe(path !== undefined);
  });
});

describe("a path that passes is the one that a handler resolves", () => {
  const piece = fc.constantFrom(
    ..."/.\\%#?;:@ a2eEfF5cC\u0000é".split(""),
    "..",
    "/../",
    "%2e",
    "%2F",
    "%5c",
    "%25",
    "%61",
    "%C3%A9",
    "//",
    "admin",
  );
  const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);

  test("whatever the target", () => {
    fc.assert(
      fc.property(target, (text) => {
        const read = readTarget(text);
        if (!read.ok) return;
        const resolved = new URL(text, "http://host.example");
        expect(resolved.host).toBe("host.example");
        expect(decodeURIComponent(resolved.pathname)).toBe(read.path);
        expect(read.path.split("/").length).toBe(resolved.pathname.split("/").length);
        expect(read.path.split("/")).not.toContain("..");
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("over a socket", () => {
  const { verifier, paths } = recording();
  const guard = guardNode(verifier);
  const node = createServer((request, response) => void guard(request, response, () => response.end("ran")));
  const app = new Hono();
  app.use(guardHono(verifier));
  app.all("*", (c) => c.text(`ran ${new URL(c.req.url).pathname}`));
  const hono = createAdaptorServer({ fetch: app.fetch });
  const servers = { node, hono } as const;

  beforeAll(async () => {
    for (const server of Object.values(servers)) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
  });
  afterAll(() => {
    for (const server of Object.values(servers)) server.close();
  });

  function send(name: keyof typeof servers, target: string): Promise<string> {
    const address = servers[name].address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTHORIZATION}\r\nconnection: close\r\n\r\n`,
        );
      });
      socket.setEncoding("latin1");
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
  }

  const sent = TARGETS.filter(([target]) => target !== "" && !/[^!-~]/.test(target));

  test.each(sent)("node:http: %j", async (target, path) => {
    paths.length = 0;
    const answer = await send("node", target);
    if (path === undefined) {
      expect(answer).not.toContain("ran");
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(paths).toEqual([]);
    } else {
      expect(answer).toContain("ran");
      expect(paths).toEqual([path]);
    }
  });

  test.each(sent)("hono: the path that was cleared for %j is the one that was served", async (target) => {
    paths.length = 0;
    const answer = await send("hono", target);
    const ran = /ran (\S*)/.exec(answer)?.[1];
    if (ran === undefined) expect(paths).toEqual([]);
    else expect(paths).toEqual([decodeURIComponent(ran)]);
  });
});
