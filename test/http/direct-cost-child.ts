import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { getHeapStatistics } from "node:v8";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

import { createAuthentication } from "../../src/domain/access/authentication.ts";
import { createListener } from "../../src/http/fast/direct.ts";
import { requestLine } from "../../src/http/log/log-line.ts";
import { createDeparture } from "../../src/http/serving/departure.ts";
import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { CONTEXT, descendants, distinct, NINE } from "../bench/tokens.ts";
import {
  createWorld,
  decisionsOf,
  KEY,
  KEY_ID,
  PRINCIPAL,
  PRINCIPAL_ID,
  root,
  rootKey,
} from "../domain/seen-world.ts";
import { createFakeService } from "../support/fake-service.ts";

// Counts what verifies over HTTP take, in a process of its own: direct-cost.test.ts reads it. The caller is a thread of its
// own, whose memory is not counted.

const WARM_UP = 1_500;
const COUNTED = 500;
const NOW = Date.parse("2026-12-01T12:00:00Z");

interface Order {
  readonly port: number;
  readonly requests: readonly string[];
}

/** Asks one question after the other on one connection, so that each has a turn of the event loop to itself. */
async function askAll({ port, requests }: Order): Promise<void> {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  for (const request of requests) {
    socket.write(request);
    let answer = "";
    while (!isWhole(answer)) answer += String((await once(socket, "data"))[0]);
    if (!answer.includes('{"allowed":true')) throw new Error(`a good token was refused: ${answer}`);
  }
  socket.destroy();
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(answer)?.[1];
  return end >= 0 && length !== undefined && answer.length === end + 4 + Number(length);
}

/** The service without its database, with a log that writes its lines. */
function verifying(): RequestListener {
  const tokens = createWorld(32 * 1024 * 1024, { linkBytes: 8 * 1024 * 1024 });
  const credentials = createWorld();
  credentials.keys.set(KEY_ID, rootKey(KEY, "bakehouse"));
  const whose = { platform: "bakehouse", issuer: "bakehouse", subject: "platform:shop" };
  credentials.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, ...whose });
  const clock = { now: () => NOW, monotonic: () => performance.now() };
  const authentication = createAuthentication({
    tokenVerifier: credentials.tokenVerifier,
    knowledge: { requireFresh: () => undefined, isRevoked: () => false, endsLogin: () => false },
    idTokens: { verify: () => Promise.reject(new Error("not asked for")) },
    sessions: { find: async () => undefined },
    clock,
    ownIssuer: "https://login.test",
    loginIssuers: new Set(),
    adminGroups: [],
    trustsDevelopment: false,
  });
  const lines: string[] = [];
  const { service } = createFakeService();
  const options: Parameters<typeof createListener>[0] = {
    service: { ...service, authentication, decisions: decisionsOf(tokens, NOW) },
    publicUrl: "http://127.0.0.1:8080",
    log: {
      request: (event) => {
        lines[0] = requestLine(event, NOW, "");
      },
      fault: (event) => {
        throw new Error(`a fault: ${JSON.stringify(event)}`);
      },
      failure: () => {},
    },
    clock,
    version: "1.2.3",
    openapi: "",
    docsFolder: "",
  };
  return createListener(
    options,
    () => {
      throw new Error("a request was passed on");
    },
    createDeparture(),
  );
}

/** The least that answers: it reads the same body, and answers as much. */
function bare(length: number): RequestListener {
  const answer = JSON.stringify({ allowed: true, filler: "x".repeat(length) });
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      JSON.parse(Buffer.concat(chunks).toString());
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      response.end(answer);
    });
  };
}

const credential = encodeBundle([root()]);
const EACH = WARM_UP + COUNTED;
const SEEN = encodeBundle([attenuate(root(), NINE)]);
/** Tokens of a kind, from a place on where none was asked about before. */
const KINDS: Readonly<Record<string, (start: number) => readonly string[]>> = {
  seen: () => Array.from({ length: EACH }, () => SEEN),
  descendant: (start) => descendants(root(), EACH, start),
  new: (start) => distinct(root(), EACH, start),
};

function requestOf(token: string, brief: boolean): string {
  const body = JSON.stringify({ token, context: CONTEXT, ...(brief && { answer: "decision" }) });
  const head = [
    "POST /v1/verify HTTP/1.1",
    "Host: 127.0.0.1:8080",
    `Authorization: Bearer ${credential}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

async function count(): Promise<void> {
  const caller = new Worker(new URL(import.meta.url));
  async function asked(order: Order): Promise<void> {
    caller.postMessage(order);
    await once(caller, "message");
  }

  async function costOf(listener: RequestListener, kind: string, brief: boolean): Promise<number> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const tokens = KINDS[kind]?.(brief ? 0 : EACH) ?? [];
    const requests = tokens.map((token) => requestOf(token, brief));
    await asked({ port, requests: requests.slice(0, WARM_UP) });
    const order = { port, requests: requests.slice(WARM_UP) };
    const before = getHeapStatistics().total_allocated_bytes;
    await asked(order);
    const bytes = getHeapStatistics().total_allocated_bytes - before;
    server.close();
    return bytes / COUNTED;
  }

  const costs: Record<string, number> = {};
  const service = verifying();
  for (const brief of [true, false]) {
    // About as long as the answers are.
    const least = await costOf(bare(brief ? 350 : 1_500), "seen", brief);
    for (const kind of Object.keys(KINDS)) {
      const cost = await costOf(service, kind, brief);
      costs[brief ? `${kind}, decision` : kind] = cost - least;
    }
  }
  await caller.terminate();
  process.stdout.write(JSON.stringify(costs));
}

if (isMainThread) await count();
else {
  parentPort?.on("message", (order: Order) => {
    void askAll(order).then(() => parentPort?.postMessage("done"));
  });
}
