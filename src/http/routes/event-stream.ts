import type { LogNews, LogStream } from "../../domain/log-news.ts";
import {
  HASH_KEY_EVENT,
  HEARTBEAT_EVENT,
  type Heartbeat,
  REVOCATION_EVENT,
} from "../../words/revocations.ts";
import type { HttpRequest } from "../request/context.ts";
import { toBase64url } from "../wire/base64url.ts";
import { revocationWire } from "../wire/revocation.ts";

/** Milliseconds after which a reader that takes nothing is disconnected. */
const STALL = 30_000;

/** Milliseconds after which a reader that was disconnected should come back. */
const RETRY = 2_000;

/** Whether a request asks for a stream of events. */
export function wantsEvents(request: HttpRequest): boolean {
  return request.method === "GET" && /(?:^|[,\s])text\/event-stream(?:$|[;,\s])/i.test(accept(request));
}

function accept(request: HttpRequest): string {
  return request.headers.get("accept") ?? "";
}

function render(news: LogNews): string {
  if (news.kind === "entries") {
    return news.items
      .map(
        (item) =>
          `id: ${item.sequence}\nevent: ${REVOCATION_EVENT}\ndata: ${JSON.stringify(revocationWire(item))}\n\n`,
      )
      .join("");
  }
  if (news.kind === "hash_key") {
    return `event: ${HASH_KEY_EVENT}\ndata: ${JSON.stringify({ hash_key: toBase64url(news.hashKey) })}\n\n`;
  }
  const { sequence, ageMilliseconds: age, openMilliseconds } = news;
  const data: Heartbeat = {
    sequence,
    staleness_ms: Number.isFinite(age) ? Math.ceil(age) : null,
    open_ms: Math.floor(openMilliseconds),
  };
  return `id: ${sequence}\nevent: ${HEARTBEAT_EVENT}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Turns a stream of the log into the body of an answer.
 *
 * Nothing is read before the connection can take it, so a slow reader holds one page of entries and no more; one
 * that takes nothing for a while is disconnected, and comes back with `Last-Event-ID`.
 *
 * @param stall milliseconds
 */
export function eventStream(stream: LogStream, stall = STALL): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let begun = false;

  function watch(controller: ReadableStreamDefaultController<Uint8Array>): void {
    timer = setTimeout(() => {
      stream.close();
      controller.error(new Error("the reader took nothing"));
    }, stall).unref();
  }

  function end(): void {
    clearTimeout(timer);
    stream.close();
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // An answer may be given up before anyone reads it.
        watch(controller);
      },
      async pull(controller) {
        clearTimeout(timer);
        if (!begun) {
          begun = true;
          controller.enqueue(encoder.encode(`retry: ${RETRY}\n\n`));
          watch(controller);
          return;
        }
        const news = await stream.next().catch(() => undefined);
        if (news === undefined) {
          end();
          controller.close();
          return;
        }
        controller.enqueue(encoder.encode(render(news)));
        watch(controller);
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
