import type { IncomingMessage, ServerResponse } from "node:http";

import type { Html } from "./pages.ts";

const MAX_FORM = 16 * 1024;
const MOST_PAIRS = 32;

/** Sends a page that no cache keeps. */
export function sendHtml(response: ServerResponse, status: number, page: Html, policy: string): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "cache-control": "no-store",
  });
  response.end(String(page));
}

/** Sends a line of plain text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${text}\n`);
}

/** A submitted form; undefined if it is of another type, too large, of too many fields, or not UTF-8. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded") return undefined;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let length = 0;
  try {
    // Not destroyed when it is too long: the sender is still told.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Uint8Array)) return undefined;
      length += chunk.byteLength;
      if (length > MAX_FORM) return undefined;
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
    return text.split("&", MOST_PAIRS + 1).length > MOST_PAIRS ? undefined : new URLSearchParams(text);
  } catch {
    return undefined;
  }
}
