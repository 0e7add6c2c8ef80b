import { REQUEST_ID } from "../words/http.ts";
import { PROBLEM_MEDIA_TYPE } from "../words/problem-codes.ts";
import { readTraceparent, TRACEPARENT } from "../words/traceparent.ts";
import { readProblem } from "./answers.ts";
import { checkCredential, createEndWatch } from "./credential.ts";
import { BakehouseError } from "./error.ts";
import { serviceOf } from "./origin.ts";
import { aFunction, aNumber, anObject, aText, aTruth, type Checks, checkOptions, ifSaid } from "./shape.ts";

/** The part of `fetch` that this library uses; a test passes one that never leaves the process. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Settings of a client. */
export interface BakehouseOptions {
  /** The service: its `PUBLIC_URL`. */
  readonly url: string;
  /**
   * The caller's ID token or service credential, or a function that gets it. Without one, tokens can be revoked by
   * possession and discharged.
   */
  readonly credential?: string | (() => string | Promise<string>);
  /**
   * Whether plain http to another machine will do: anybody on the way can then read and change what is sent, the
   * credential and all tokens too. False unless said.
   */
  readonly insecureHttp?: boolean;
  /**
   * Told from two weeks before the credential ends, of a short-lived one from half of its life on, once a day while it is
   * used. `console.warn` unless said.
   */
  readonly onWarning?: (message: string) => void;
  /** Left out: the global one. */
  readonly fetch?: Fetch;
  /** Milliseconds that one attempt may take; 10,000 unless said. */
  readonly timeout?: number;
  /** Further attempts at calls that are safe to repeat; 2 unless said. */
  readonly retries?: number;
}

/** The options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for each attempt of this call. */
  readonly timeout?: number;
  /** The place in a trace that the call is made from (W3C Trace Context); passed on, unless it is malformed. */
  readonly traceparent?: string;
}

const OPTIONS: Checks<BakehouseOptions> = {
  // They have errors of their own.
  url: () => undefined,
  credential: () => undefined,
  insecureHttp: ifSaid(aTruth),
  onWarning: ifSaid(aFunction()),
  fetch: ifSaid(aFunction()),
  timeout: ifSaid(aNumber("10_000, in milliseconds")),
  retries: ifSaid(aNumber("2")),
};

/** The options that all calls have. A call with others checks those together with these, and hands these alone on. */
export const CALL_OPTIONS: Checks<CallOptions> = {
  signal: ifSaid(anObject("AbortSignal.timeout(1_000)")),
  timeout: ifSaid(aNumber("10_000, in milliseconds")),
  traceparent: ifSaid(aText('"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"')),
};

/**
 * When a call may be made again.
 *
 * `always`: making it twice does no more than once. `unanswered`: once the service has said that it could not answer
 * (429, 503 `unavailable`), but not if nobody knows. `never`: not even then, except 429: a 503 can be that of an answer
 * which was lost behind the commit.
 */
export type Repeat = "always" | "unanswered" | "never";

/** One call. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function is asked once it fails. */
  readonly repeat: Repeat | (() => Repeat);
  /** Whether to leave the credential out. False unless said. */
  readonly anonymous?: boolean;
  /** Bytes that the answer may have; left out, as many as the largest batch takes. */
  readonly mostBytes?: number;
}

/** An answer that is no error. */
export interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** Makes calls: adds the credential, bounds the time, repeats safe calls. */
export interface Transport {
  /** @throws BakehouseError, or the signal's reason after an abort */
  call(call: Call, options?: CallOptions): Promise<Answered>;
  /** An answer with its body still to be read. There is one attempt, and the time-out covers only its head. */
  open(call: Call, options?: CallOptions): Promise<Response>;
  readonly origin: string;
}

const TIMEOUT = 10_000;
const RETRIES = 2;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
/** A batch of the largest tokens, answered, is smaller. */
const MAX_ANSWER = 64 * 1024 * 1024;
/** Most bytes of an answer with one token, or none. A third party may answer, too: it must not fill the memory. */
export const SMALL_ANSWER = 1024 * 1024;

let hasAmbient: boolean | undefined;

/**
 * Leaves a browser's ambient credentials at home. Some runtimes know none, and refuse the member that says so.
 *
 * Looked at with the first call only: naming `Request` makes Node load its whole HTTP client, which takes longer
 * than a small program that only narrows a token.
 */
function withoutAmbient(): { readonly credentials?: "omit" } {
  hasAmbient ??= "credentials" in Request.prototype;
  return hasAmbient ? { credentials: "omit" } : {};
}

/** @throws TypeError for options of the wrong shape, and for an address that is none to send secrets to */
export function createTransport(options: BakehouseOptions): Transport {
  checkOptions("createBakehouse", options, OPTIONS, '{ url: "https://bakehouse.example", credential }');
  const base = serviceOf(options.url, options.insecureHttp === true);
  if ("credential" in options && typeof options.credential !== "function") {
    checkCredential(options.credential, Date.now());
  }
  const watchEnd = createEndWatch(options.onWarning ?? warnOnConsole);
  if (typeof options.credential === "string") watchEnd(options.credential, Date.now());
  const prefix = base.origin + base.pathname.replace(/\/$/, "");
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const retries = options.retries ?? RETRIES;

  async function headersOf(call: Call, { traceparent = "" }: CallOptions): Promise<Headers> {
    const headers = new Headers({ accept: "application/json", ...call.headers });
    const { credential } = options;
    if (credential !== undefined && call.anonymous !== true) {
      const text = await credentialText(credential);
      watchEnd(text, Date.now());
      headers.set("authorization", bearerOf(text));
    }
    if (call.body !== undefined) headers.set("content-type", "application/json");
    // It may come from a caller of the caller's.
    if (readTraceparent(traceparent) !== undefined) headers.set(TRACEPARENT, traceparent);
    return headers;
  }

  async function attempt(call: Call, callOptions: CallOptions): Promise<Response> {
    const { signal, timeout } = callOptions;
    const limit = AbortSignal.timeout(timeout ?? options.timeout ?? TIMEOUT);
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const headers = await headersOf(call, callOptions);
    try {
      const response = await send(`${prefix}${call.path}${queryText(call.query)}`, {
        method: call.method,
        headers,
        body,
        // A credential must not follow to a place that an answer points to.
        redirect: "manual",
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        ...withoutAmbient(),
      });
      return response;
    } catch (error) {
      throw connectionError(base.origin, error, signal, limit);
    }
  }

  async function once(call: Call, callOptions: CallOptions): Promise<Answered> {
    const response = await attempt(call, callOptions);
    let body: string;
    try {
      body = await limitedText(response, response.ok ? call.mostBytes : SMALL_ANSWER);
    } catch (error) {
      if (error instanceof BakehouseError) throw error;
      throw connectionError(base.origin, error, callOptions.signal);
    }
    if (response.ok) return { status: response.status, body, headers: response.headers };
    throw problemError(response, body);
  }

  return {
    origin: base.origin,

    async call(call, callOptions = {}) {
      checkOptions("a call", callOptions, CALL_OPTIONS, "{ timeout: 10_000 }");
      for (let failed = 0; ; failed++) {
        callOptions.signal?.throwIfAborted();
        try {
          return await once(call, callOptions);
        } catch (error) {
          if (!(error instanceof BakehouseError) || failed >= retries || !mayRepeat(call, error)) throw error;
          await pause(pauseFor(failed, error.retryAfter), callOptions.signal);
        }
      }
    },

    async open(call, callOptions = {}) {
      checkOptions("a call", callOptions, CALL_OPTIONS, "{ signal }");
      const headers = await headersOf(call, callOptions);
      // The time-out must end with the head, since the body goes on for as long as the caller reads.
      const head = new AbortController();
      const { signal, timeout = options.timeout ?? TIMEOUT } = callOptions;
      const timer = setTimeout(() => head.abort(new DOMException("timed out", "TimeoutError")), timeout);
      try {
        const response = await send(`${prefix}${call.path}${queryText(call.query)}`, {
          method: call.method,
          headers,
          redirect: "manual",
          signal: signal === undefined ? head.signal : AbortSignal.any([signal, head.signal]),
          ...withoutAmbient(),
        });
        if (!response.ok) throw problemError(response, await limitedText(response, SMALL_ANSWER));
        return response;
      } catch (error) {
        if (error instanceof BakehouseError) throw error;
        throw connectionError(base.origin, error, signal, head.signal);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** A server that is told nowhere else has to hear of it before its credential is over. */
function warnOnConsole(message: string): void {
  // biome-ignore lint/suspicious/noConsole: the one output that every runtime has
  console.warn(`bakehouse: ${message}`);
}

/** One that is got anew is checked anew. */
async function credentialText(credential: NonNullable<BakehouseOptions["credential"]>): Promise<string> {
  if (typeof credential === "string") return credential;
  const text = await credential();
  checkCredential(text, Date.now());
  return text;
}

/** Checked here, because a runtime's error repeats the header that it refuses, and this header is a secret. */
function bearerOf(credential: string): string {
  const text = credential.trim();
  if (!/^[\x21-\x7e]+$/.test(text)) throw new TypeError("the credential is no text that a header can carry");
  return `Bearer ${text}`;
}

function queryText(query: Call["query"]): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function connectionError(origin: string, error: unknown, signal?: AbortSignal, limit?: AbortSignal): unknown {
  // The caller gave the reason of the abort, and gets it back, as from `fetch` itself.
  if (signal?.aborted) return signal.reason;
  if (limit?.aborted || (error instanceof Error && error.name === "TimeoutError")) {
    return new BakehouseError("timeout", "the service did not answer in time", { cause: error });
  }
  const code = systemCode(error);
  const why = code === undefined ? "" : ` (${code})`;
  return new BakehouseError("unreachable", `the service at ${origin} cannot be reached${why}`, {
    cause: error,
  });
}

/** The system's word for why there is no connection, such as ECONNREFUSED; browsers tell none. */
function systemCode(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  const own: unknown = "code" in error ? error.code : undefined;
  return (
    systemCode(inner, depth + 1) ??
    (typeof own === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(own) ? own : undefined)
  );
}

/** Reads an error's answer. One that is no problem document came from something else on the way. */
function problemError(response: Response, body: string): BakehouseError {
  const { status, headers } = response;
  const requestId = headers.get(REQUEST_ID) ?? undefined;
  const retryAfter = readRetryAfter(headers.get("retry-after"));
  const facts = { status, requestId, retryAfter };
  if (status >= 200 && status < 400)
    return new BakehouseError("bad_answer", "the answer points elsewhere", facts);
  if (headers.get("content-type")?.startsWith(PROBLEM_MEDIA_TYPE)) {
    try {
      const { code, detail, member } = readProblem(body);
      return new BakehouseError(code, detail, { ...facts, member });
    } catch (error) {
      if (!(error instanceof BakehouseError)) throw error;
    }
  }
  return new BakehouseError("bad_answer", `status ${status} without a problem document`, facts);
}

function readRetryAfter(header: string | null): number | undefined {
  return header !== null && /^[0-9]{1,6}$/.test(header) ? Number(header) : undefined;
}

async function limitedText(response: Response, most: number = MAX_ANSWER): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let body = "";
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return body + decoder.decode();
    size += value.length;
    if (size > most) {
      // Not waited for: the sender decides when that ends.
      reader.cancel().catch(() => {});
      throw new BakehouseError("bad_answer", `the answer exceeds ${most} bytes`, {
        status: response.status,
      });
    }
    body += decoder.decode(value, { stream: true });
  }
}

function mayRepeat(call: Call, error: BakehouseError): boolean {
  if (error.code === "rate_limited") return true;
  const repeat = typeof call.repeat === "function" ? call.repeat() : call.repeat;
  if (repeat === "never") return false;
  if (error.code === "unavailable") return true;
  if (repeat !== "always") return false;
  if (error.code === "idempotency_in_flight" || error.code === "unreachable" || error.code === "timeout")
    return true;
  // A gateway's own pages.
  return (
    error.code === "bad_answer" && error.status !== undefined && error.status >= 502 && error.status <= 504
  );
}

/** Milliseconds: at random up to a bound that doubles, and never less than the service asked for. */
function pauseFor(failed: number, retryAfter: number | undefined): number {
  const bound = Math.min(FIRST_PAUSE * 4 ** failed, LONGEST_PAUSE);
  const least = Math.min((retryAfter ?? 0) * 1000, LONGEST_PAUSE);
  return least + Math.random() * bound;
}

/** Waits, unless somebody aborts. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
