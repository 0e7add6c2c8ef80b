import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

import { PROBLEM_MEDIA_TYPE } from "../../words/problem-codes.ts";
import { problem } from "../parts/problem-document.ts";

/** A refusal of what is no request that a route could answer: HTTP's own status, and a problem document. */
interface HttpRefusal {
  readonly status: number;
  readonly detail: string;
}

// As Node answers them: see `socketOnError` in its lib/_http_server.js.
const PARSER_REFUSALS: Readonly<Record<string, HttpRefusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: "the headers are too large" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: "the chunk extensions are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: "the request did not come in time" },
};
const MALFORMED: HttpRefusal = { status: 400, detail: "the request is not HTTP as this service reads it" };

/** The problem document of a refusal. */
function documentOf({ status, detail }: HttpRefusal): string {
  return JSON.stringify({ ...problem("invalid_request", detail), status });
}

/** Answers what the parser of HTTP has refused, and ends the connection. */
export function refuseParsed(error: Error, socket: Socket): void {
  // An answer that is under way would be read together with this one. Node marks it so.
  const underway: unknown = Reflect.get(socket, "_httpMessage");
  const isBegun = underway instanceof ServerResponse && underway.headersSent;
  if (socket.writable && !isBegun) {
    const code = "code" in error ? String(error.code) : "";
    const refusal = PARSER_REFUSALS[code] ?? MALFORMED;
    const body = documentOf(refusal);
    const head = [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      "connection: close",
      `content-type: ${PROBLEM_MEDIA_TYPE}`,
      `content-length: ${body.length}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, "latin1");
  }
  socket.destroySoon();
}

/** Answers a request that expects what this service does not do (RFC 9110 §10.1.1). */
export function refuseExpectation(_: IncomingMessage, response: ServerResponse): void {
  response
    .writeHead(417, { "content-type": PROBLEM_MEDIA_TYPE, connection: "close" })
    .end(documentOf({ status: 417, detail: "Expect may be 100-continue only" }));
}

/** The answer to a target or a Host that is none. */
export function targetRefused(): Response {
  const refusal = { status: 400, detail: "the target, or the Host header, is not valid" };
  const headers = { "content-type": PROBLEM_MEDIA_TYPE };
  return new Response(documentOf(refusal), { status: refusal.status, headers });
}
