import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { type Choices, choicesOf } from "../choices.ts";
import { createRecord, type FuzzPart, type FuzzSettings } from "../part.ts";
import { PATIENCE } from "./judge.ts";
import { startTarget, type Target } from "./target.ts";
import { readAnswer } from "./wire.ts";

/** All that came over a connection until it ended. */
interface Heard {
  readonly bytes: Buffer;
  /** Whether it ended in time. */
  readonly hasEnded: boolean;
}

/** Something that a connection can go through. @returns what is wrong, and what it came to */
interface Behaviour {
  readonly name: string;
  run(
    choices: Choices,
    target: Target,
  ): Promise<{ readonly outcome: string; readonly faults: readonly string[] }>;
}

function open(port: number): { readonly socket: Socket; heard(): Promise<Heard> } {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.on("error", () => {});
  const ended = Promise.race([once(socket, "end"), once(socket, "close")]).catch(() => {});
  return {
    socket,
    async heard() {
      const hasEnded = await Promise.race([ended.then(() => true), pause(PATIENCE, false, { ref: false })]);
      socket.destroy();
      return { bytes: Buffer.concat(chunks), hasEnded };
    },
  };
}

/** What is wrong with what was heard, whatever was said: answers below 500, and nothing secret. */
function faultsOf(target: Target, { bytes, hasEnded }: Heard): readonly string[] {
  const statuses = [...bytes.toString("latin1").matchAll(/^HTTP\/1\.1 ([0-9]{3}) /gm)].map(([, status]) =>
    Number(status),
  );
  return [
    ...(hasEnded ? [] : [`the connection is still open after ${PATIENCE} ms`]),
    ...statuses.filter((status) => status >= 500).map((status) => `status ${status}`),
    ...(bytes.length > 0 && statuses.length === 0 ? ["what came back is no HTTP"] : []),
    ...target.secretsIn(bytes).map(({ secret, form }) => `the answer holds ${secret} as ${form}`),
  ];
}

const QUESTION = JSON.stringify({ token: "AAAA", context: { action: "read" } });

function verifyRequest(target: Target, id: string, more = "connection: close\r\n"): string {
  const platform = target.callers().get("a platform")?.["authorization"] ?? "";
  return [
    "POST /v1/verify HTTP/1.1",
    `host: ${new URL(target.url).host}`,
    `authorization: ${platform}`,
    `x-request-id: ${id}`,
    "content-type: application/json",
    `content-length: ${QUESTION.length}`,
    `${more}\r\n${QUESTION}`,
  ].join("\r\n");
}

/** Says something, in whatever pieces, and then ends, resets or waits. */
async function say(choices: Choices, target: Target, text: string, end: "end" | "reset" | "wait") {
  const { socket, heard } = open(target.port);
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length && socket.writable; ) {
    const size = 1 + choices.below(Math.ceil(bytes.length / 4));
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (choices.chance(0.3)) await pause(choices.below(10));
  }
  if (end === "reset") {
    socket.resetAndDestroy();
    return { outcome: "reset", faults: [] };
  }
  if (end === "end") socket.end();
  const was = await heard();
  return { outcome: was.bytes.length === 0 ? "closed" : "answered", faults: faultsOf(target, was) };
}

const STRANGE: readonly string[] = [
  "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "GET /healthz\r\n\r\n",
  "GET /healthz HTTP/1.0\r\n\r\n",
  "GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n",
  "GET /healthz HTTP/1.1\nhost: x\n\n",
  "GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
  "GET  /healthz  HTTP/1.1\r\nhost: x\r\n\r\n",
  "GET http://evil.example/healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  "\r\n\r\n\r\n",
  "\u0000".repeat(2_000),
  `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(3_000)}connection: close\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(99_000)}\r\n\r\n`,
];

const SMUGGLED = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: smuggled\r\n\r\n";

const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: "half a request",
    run(choices, target) {
      const whole = verifyRequest(target, "half");
      return say(
        choices,
        target,
        whole.slice(0, choices.below(whole.length)),
        choices.pick(["end", "reset"]),
      );
    },
  },
  {
    name: "in small pieces",
    async run(choices, target) {
      const said = await say(choices, target, verifyRequest(target, "pieces"), "wait");
      return said.outcome === "answered"
        ? said
        : { ...said, faults: [...said.faults, "a whole request is not answered"] };
    },
  },
  {
    name: "gone before the answer",
    run: (choices, target) => say(choices, target, verifyRequest(target, "gone"), "reset"),
  },
  {
    name: "one behind the other",
    async run(choices, target) {
      const ids = Array.from({ length: 2 + choices.below(30) }, (_, at) => `p-${at}`);
      const requests = ids.map((id, at) => verifyRequest(target, id, at === ids.length - 1 ? undefined : ""));
      const { socket, heard } = open(target.port);
      socket.write(requests.join(""));
      const was = await heard();
      const answered = [...was.bytes.toString("latin1").matchAll(/^x-request-id: (p-[0-9]+)/gim)].map(
        ([, id]) => id,
      );
      const isInOrder = answered.join() === ids.join();
      return {
        outcome: "answered",
        faults: [
          ...faultsOf(target, was),
          ...(isInOrder ? [] : [`asked ${ids.length}, answered ${answered.join()}`]),
        ],
      };
    },
  },
  { name: "no HTTP", run: (choices, target) => say(choices, target, choices.pick(STRANGE), "end") },
  {
    name: "a request inside another",
    async run(choices, target) {
      const head = `POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
      const text = choices.pick([
        `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
        `${head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
        `${head}transfer-encoding : chunked\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
        `${head}content-length: 0\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
        `${head}content-length: +0\r\n\r\n${SMUGGLED}`,
        `${head}transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${SMUGGLED}`,
        `${head}transfer-encoding: xchunked\r\n\r\n${SMUGGLED}`,
      ]);
      const { socket, heard } = open(target.port);
      socket.end(Buffer.from(text, "latin1"));
      const was = await heard();
      const isSmuggled = was.bytes.toString("latin1").includes("x-request-id: smuggled");
      return {
        outcome: was.bytes.length === 0 ? "closed" : "answered",
        faults: [...faultsOf(target, was), ...(isSmuggled ? [`two readers see two requests: ${text}`] : [])],
      };
    },
  },
  {
    name: "a crowd that says nothing",
    async run(choices, target) {
      const crowd = Array.from({ length: 10 + choices.below(40) }, () => open(target.port));
      await pause(choices.below(20));
      for (const { socket } of crowd) if (choices.chance(0.5)) socket.resetAndDestroy();
      for (const { socket } of crowd) socket.destroy();
      return { outcome: "gone", faults: [] };
    },
  },
  {
    name: "an answer that nobody reads",
    async run(choices, target) {
      const { socket } = open(target.port);
      socket.pause();
      socket.write("GET /openapi.yaml HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1 + choices.below(4)));
      await pause(choices.below(30));
      socket.resetAndDestroy();
      return { outcome: "gone", faults: [] };
    },
  },
];

/** What is wrong with a request that is asked rightly, behind whatever went before. */
async function wrongAfter(target: Target): Promise<readonly string[]> {
  const { socket, heard } = open(target.port);
  socket.write(verifyRequest(target, "after"));
  const { bytes } = await heard();
  const answer = readAnswer(bytes, 0, false);
  return answer?.status === 200 ? [] : [`the next caller is answered ${answer?.status ?? "nothing"}`];
}

/** Sends connections of all kinds to a service. */
export async function fuzzConnections(target: Target, { seed, count }: FuzzSettings) {
  const record = createRecord();
  for (let at = 0; at < count; at++) {
    const choices = choicesOf(`connection ${at}`, seed);
    const behaviour = BEHAVIOURS[at % BEHAVIOURS.length];
    if (behaviour === undefined) break;
    const { outcome, faults } = await behaviour.run(choices, target);
    record.count(`${behaviour.name}: ${outcome}`);
    for (const fault of [...faults, ...(await wrongAfter(target))])
      record.find(`${at}, ${behaviour.name}: ${fault}`);
  }
  return record.report();
}

/** What connections go through: half requests, many at once, other protocols, requests inside others, resets. */
export const CONNECTIONS: FuzzPart = {
  name: "connections",
  about: "half requests, pieces, pipelines, resets, other protocols, requests inside requests, crowds",
  usual: 2_000,
  async run(settings) {
    const target = await startTarget();
    try {
      return await fuzzConnections(target, settings);
    } finally {
      await target.stop();
    }
  },
};
