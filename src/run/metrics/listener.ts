import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { problem } from "../../http/parts/problem-document.ts";
import { PROBLEM_MEDIA_TYPE, type ProblemCode } from "../../words/problem-codes.ts";
import type { Scraped } from "./scrape.ts";

/** A port for scrapes alone. */
export interface MetricsListener {
  readonly port: number;
  /** Ends what is open, at once. */
  close(): Promise<void>;
}

/** The address cannot be had. The message is for people, and does not repeat it. */
class MetricsAddressError extends Error {
  override readonly name = "MetricsAddressError";

  constructor(error: Error) {
    const code = "code" in error ? ` (${String(error.code)})` : "";
    super(`METRICS_ADDRESS: cannot be listened on${code}: set it to another host and port of this machine`);
  }
}

/** Scrapers are few. */
const MOST_CONNECTIONS = 64;

/** Milliseconds for a request to come, for its answer to be taken, and for which a connection is kept that says nothing. */
const REQUEST = 5_000;
const ANSWER = 10_000;
const IDLE = 65_000;

const COMMON = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function refuse(response: ServerResponse, code: ProblemCode, detail: string, headers = {}): void {
  const refusal = problem(code, detail);
  response
    .writeHead(refusal.status, {
      ...COMMON,
      "content-type": PROBLEM_MEDIA_TYPE,
      connection: "close",
      ...headers,
    })
    .end(JSON.stringify(refusal));
}

/**
 * Opens a port that answers `GET /metrics` and nothing else. Whoever reaches it may read it.
 *
 * @param scrape finds the answer to a scrape
 * @throws MetricsAddressError
 */
export async function listenForScrapes(
  { host, port }: { readonly host: string; readonly port: number },
  scrape: (accept: string | undefined) => Promise<Scraped>,
): Promise<MetricsListener> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? "").split("?", 1);
    if (path !== "/metrics") return refuse(response, "not_found", "no such path");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(response, "method_not_allowed", "this path does not have that method", {
        allow: "GET, HEAD",
      });
    }
    const { contentType, text } = await scrape(request.headers.accept);
    const length = Buffer.byteLength(text);
    response
      .writeHead(200, { ...COMMON, "content-type": contentType, "content-length": length })
      .end(request.method === "HEAD" ? "" : text);
  }

  const server = createServer(
    {
      maxHeaderSize: 8 * 1024,
      headersTimeout: REQUEST,
      requestTimeout: REQUEST,
      keepAliveTimeout: IDLE,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      const late = setTimeout(() => response.destroy(), ANSWER).unref();
      response.once("close", () => clearTimeout(late));
      answer(request, response).catch(() => {
        if (response.headersSent) response.destroy();
        else refuse(response, "internal_error", "something went wrong here");
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(new MetricsAddressError(error));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
  // It must not keep a process alive that has nothing else to do.
  server.unref();
  const address = server.address();
  return {
    port: address === null || typeof address === "string" ? port : address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
