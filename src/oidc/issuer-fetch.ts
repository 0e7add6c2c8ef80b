import { DomainError } from "../domain/parts/error.ts";
import type { FailureFacts } from "../domain/ports/parts/failure.ts";
import { connectionTrouble } from "./connection-trouble.ts";
import { type AddressRules, isAcceptableAddress } from "./issuer-url.ts";

/** The part of `fetch` that is used here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of {@link createIssuerFetch}. */
export interface IssuerFetchOptions extends AddressRules {
  readonly fetch: Fetch;
  /** For the whole request, its body included; milliseconds. */
  readonly timeoutMs: number;
  /** The origin of the issuer, whose addresses go over the back channel if there is one. */
  readonly issuerOrigin: string;
}

// Key sets with certificate chains reach some 30 KiB.
const MAX_BYTES = 512 * 1024;
const BODILESS = new Set([204, 205, 304]);

/**
 * The error for an issuer that gave no usable answer.
 *
 * It has no `cause`: fetch errors name addresses, and an address can carry credentials.
 *
 * @param problem lower case, without contents
 * @param facts for the log
 */
export function issuerUnavailable(problem: string, facts: FailureFacts = {}): DomainError {
  return new DomainError(
    "unavailable",
    `the identity provider could not be asked: ${problem}`,
    undefined,
    facts,
  );
}

/** An address as the log may show it: without a query, which can carry a code or a hint. */
export function shownAddress(address: string): string {
  const url = URL.parse(address);
  return url === null ? "malformed" : `${url.origin}${url.pathname}`.slice(0, 200);
}

/**
 * A fetch for an issuer's endpoints that follows no redirect, ends in time, and holds a bounded body in
 * memory.
 *
 * It rejects with a DomainError `unavailable` if the issuer did not answer, answered 429 or 5xx, or
 * answered with too much. An address that may not be used is refused in the same way, before any request.
 */
export function createIssuerFetch(options: IssuerFetchOptions): Fetch {
  const { backChannel, issuerOrigin } = options;

  function led(address: string): string {
    const url = URL.parse(address);
    if (url === null || backChannel === undefined || url.origin !== issuerOrigin) return address;
    return `${backChannel}${url.pathname}${url.search}`;
  }

  return async (named, init) => {
    const url = led(named);
    const address = shownAddress(url);
    if (!isAcceptableAddress(url, options)) {
      throw issuerUnavailable("it names an address that is not https", { address, cause: "address" });
    }
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    let response: Response;
    let body: Uint8Array<ArrayBuffer> | undefined;
    try {
      response = await options.fetch(url, { ...init, redirect: "manual", signal });
      body = await readBounded(response);
    } catch (error) {
      if (timeout.aborted)
        throw issuerUnavailable("it did not answer in time", { address, cause: "timeout" });
      const { cause, code, words } = connectionTrouble(error);
      throw issuerUnavailable(words, { address, cause, ...(code === undefined ? {} : { code }) });
    }
    const { status } = response;
    if (body === undefined) {
      throw issuerUnavailable(`its answer exceeds ${MAX_BYTES} bytes`, { address, cause: "answer" });
    }
    if (status === 429 || status >= 500) {
      throw issuerUnavailable(`it answered with status ${status}`, { address, cause: "http_status", status });
    }
    // A redirect that was not followed can come as an opaque response with status 0.
    if (status < 200) throw issuerUnavailable("its answer is no HTTP answer", { address, cause: "answer" });
    return new Response(BODILESS.has(status) ? null : body, {
      status,
      headers: response.headers,
    });
  };
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) break;
    length += part.value.byteLength;
    if (length > MAX_BYTES) {
      await reader?.cancel();
      return undefined;
    }
    chunks.push(part.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
