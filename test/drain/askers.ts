import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { drawSeed, seeded } from "../support/seed.ts";
import type { Caller } from "./arrivals.ts";
import type { Count, Kind } from "./tally.ts";

/** One request, and the statuses that count as an answer to it. */
export interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly expected: readonly number[];
}

/** One caller that goes on asking until it is told to end. */
export interface Asker {
  readonly kind: Kind;
  /** Resolves once its last question has its answer. */
  end(): Promise<void>;
}

/** Milliseconds after which an answer does not come any more: the longest poll takes 20 s, where there is time. */
const PATIENCE = 40_000;

/**
 * Milliseconds after which a connection on which nothing is said may be closed just as something is: a service that stops
 * keeps it for half a second longer. Such a question is the caller's to ask again (RFC 9112 §9.3.1), who here was meant to be
 * silent for less and had to wait for the processor.
 */
const LONGEST_SILENCE = 2_000;

/** Milliseconds until the next try where nobody listens. */
const NOBODY = 50;

interface Where {
  readonly url: string;
  readonly kind: Kind;
  readonly count: Count;
}

/** A connection that was lost before the answer's end. */
class Cut extends Error {
  readonly code: string;
  /** The connection, if nothing was asked over it before. */
  readonly first: Caller | undefined;

  constructor(code: string, first: Caller | undefined) {
    super(code);
    this.code = code;
    this.first = first;
  }
}

/** Asks and reads the answer to its end. @throws Cut */
function ask(
  url: string,
  { method, path, headers, body }: Question,
  options: RequestOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, fail) => {
    const from = Date.now();
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const asked = request(`${url}${path}`, { ...options, method, headers: { ...headers, ...length } });
    let port: number | undefined;
    asked.once("socket", (socket) => {
      socket.once("connect", () => {
        port = socket.localPort;
      });
    });
    const reject = (error: Error) =>
      fail(new Cut(codeOf(error), port === undefined ? undefined : { url, port, from }));
    asked.setTimeout(PATIENCE, () => asked.destroy(new Error("no answer")));
    asked.once("error", reject);
    asked.once("response", (answer: IncomingMessage) => {
      port = undefined; // it was accepted
      answer.once("error", reject);
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.end(body);
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

/** Without what differs from run to run. */
const nameOf = ({ method, path }: Question) => `${method} ${path.replace(/[0-9a-f-]{36}/, "…")}`;

/** Keeps on until told to end. */
function looping(kind: Kind, step: (goesOn: () => boolean) => Promise<void>, cut = () => {}): Asker {
  let going = true;
  const done = (async () => {
    while (going) await step(() => going);
  })();
  return {
    kind,
    end() {
      going = false;
      cut();
      return done;
    },
  };
}

/** How a connection ends that the other side has closed. */
const RESET: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/**
 * Asks one question, and notes what came of it.
 *
 * @param matters whether it is still to be noted when it comes
 * @param silence milliseconds for which nothing had been said over the connection
 * @returns whether anyone listened
 */
async function noted(
  { url, kind, count }: Where,
  question: Question,
  options: RequestOptions,
  { matters = () => true, silence = 0 }: { readonly matters?: () => boolean; readonly silence?: number } = {},
): Promise<boolean> {
  try {
    const { status, text } = await ask(url, question, options);
    if (question.expected.includes(status)) count.answered(kind);
    else count.lost(kind, `${nameOf(question)}: ${status} ${/"detail":"[^"]*"/.exec(text)?.[0] ?? ""}`);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (!matters()) return true;
    if (silence >= LONGEST_SILENCE && RESET.has(code)) {
      count.refused(kind);
      return true; // the next question asks again
    }
    if (code === "ECONNREFUSED") count.refused(kind);
    else count.lost(kind, `${nameOf(question)}: ${code}`, error instanceof Cut ? error.first : undefined);
    return code !== "ECONNREFUSED";
  }
}

const random = seeded("askers", drawSeed()).number;
const between = (least: number, most: number) => least + random() * (most - least);

/** Asks over one connection, as long as that lasts, with pauses of up to `longest` milliseconds. */
export function keptAsker(where: Where, questions: readonly Question[], longest: number): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let turn = 0;
  let answered = performance.now();
  const asker = looping(where.kind, async () => {
    const question = questions[turn++ % questions.length];
    if (question === undefined) return;
    await pause(between(0, longest));
    const silence = performance.now() - answered;
    if (!(await noted(where, question, { agent }, { silence }))) await pause(NOBODY);
    answered = performance.now();
  });
  return { ...asker, end: () => asker.end().finally(() => agent.destroy()) };
}

/** Asks what is answered late, again and again, and waits for no answer when it is told to end. */
export function pollAsker(where: Where, question: Question): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return looping(
    where.kind,
    async (goesOn) => {
      if (!(await noted(where, question, { agent }, { matters: goesOn }))) await pause(NOBODY);
    },
    () => agent.destroy(),
  );
}

/** Opens a connection for each question. */
export function freshAsker(where: Where, questions: readonly Question[], longest: number): Asker {
  let turn = 0;
  return looping(where.kind, async () => {
    const question = questions[turn++ % questions.length];
    if (question === undefined) return;
    await pause(between(0, longest));
    if (!(await noted(where, question, { agent: false }))) await pause(NOBODY);
  });
}

/** Opens a connection, says nothing for a while, and then asks; unless the connection has been closed by then. */
export function silentAsker({ url, kind, count }: Where, longest: number): Asker {
  const { hostname, port } = new URL(url);
  return looping(kind, async () => {
    const [from, began] = [Date.now(), performance.now()];
    const socket = connect(Number(port), hostname);
    let own: number | undefined;
    let text = "";
    let closed: string | undefined;
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      text += part;
    });
    const gone = new Promise<void>((resolve) => {
      socket.once("end", () => resolve());
      socket.once("error", (error) => {
        closed = codeOf(error);
        resolve();
      });
      socket.once("close", () => {
        closed ??= "closed";
        resolve();
      });
    });
    const opened = new Promise<void>((resolve) =>
      socket.once("connect", () => {
        own = socket.localPort;
        resolve();
      }),
    );
    await Promise.race([opened, gone]);
    await Promise.race([pause(between(0, longest)), gone]);
    const first = own === undefined ? undefined : { url, port: own, from };
    if (closed === "ECONNREFUSED") {
      count.refused(kind);
      await pause(NOBODY);
    } else if (closed !== undefined || socket.readableEnded) {
      // Nothing was ever asked, and nothing is lost: unless it was told by a reset, which nobody takes for an answer.
      if (closed !== undefined && closed !== "closed") count.lost(kind, `unasked: ${closed}`, first);
    } else {
      const isLate = performance.now() - began >= LONGEST_SILENCE;
      socket.write("GET /healthz HTTP/1.1\r\nhost: silent\r\nconnection: close\r\n\r\n");
      await Promise.race([gone, pause(PATIENCE)]);
      const how = `first question: ${text === "" ? (closed ?? "no answer") : text.slice(0, 12)}`;
      if (/^HTTP\/1\.1 200 /.test(text)) count.answered(kind);
      else if (isLate && text === "") count.refused(kind);
      else count.lost(kind, how, text === "" ? first : undefined);
    }
    socket.destroy();
  });
}

/** Opens a connection on which nothing is ever asked, and another one once that is closed. */
export function muteAsker({ url, kind, count }: Where): Asker {
  const { hostname, port } = new URL(url);
  let leave = () => {};
  return looping(
    kind,
    async () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      await new Promise<void>((resolve) => {
        leave = resolve;
        socket.once("connect", () => count.answered(kind));
        socket.resume(); // unread, its end would not be told
        socket.once("end", resolve);
        socket.once("close", resolve);
      });
      socket.destroy();
      await pause(NOBODY);
    },
    () => leave(),
  );
}

/** Follows an event stream; an answer is one that comes to its end. */
export function streamAsker({ url, kind, count }: Where, question: Question): Asker {
  let leave = () => {};
  return looping(
    kind,
    async (goesOn) => {
      const from = Date.now();
      let port: number | undefined;
      const outcome = await new Promise<string>((resolve) => {
        const asked = request(`${url}${question.path}`, { headers: question.headers, agent: false });
        leave = () => {
          asked.destroy();
          resolve("left");
        };
        asked.once("socket", (socket) => {
          socket.once("connect", () => {
            port = socket.localPort;
          });
        });
        asked.once("error", (error) => resolve(codeOf(error)));
        asked.once("response", (answer) => {
          port = undefined; // it was accepted
          answer.once("error", (error) => resolve(`broken off: ${codeOf(error)}`));
          answer.once("end", () => resolve(answer.statusCode === 200 ? "ended" : `${answer.statusCode}`));
          answer.resume();
        });
        asked.end();
      });
      if (outcome === "left" || !goesOn()) return;
      if (outcome === "ECONNREFUSED") count.refused(kind);
      else if (outcome === "ended") count.answered(kind);
      else
        count.lost(
          kind,
          `${question.path}: ${outcome}`,
          port === undefined ? undefined : { url, port, from },
        );
      await pause(NOBODY);
    },
    () => leave(),
  );
}
