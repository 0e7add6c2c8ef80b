import type { Fetch } from "../../src/client/index.ts";

/** A network whose event streams a test can hold up and cut. Everything else passes. */
export interface Valve {
  readonly fetch: Fetch;
  /** From now on nothing of a stream arrives; it is not lost. */
  hold(): void;
  /** What was held up arrives, and all that follows. */
  release(): void;
  /** Breaks every stream, held up or not. */
  cut(): void;
  /** Streams that have been opened. */
  readonly opened: number;
}

export function createValve(): Valve {
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  let held = false;
  let opened = 0;
  const cuts = new Set<(reason: Error) => void>();

  function valved(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const cut = Promise.withResolvers<never>();
    cut.promise.catch(() => {});
    cuts.add(cut.reject);
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await Promise.race([reader.read(), cut.promise]);
          while (held) await Promise.race([gate.promise, cut.promise]);
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          cuts.delete(cut.reject);
          void reader.cancel().catch(() => {});
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  return {
    async fetch(url, init) {
      const response = await fetch(url, init);
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
      if (!isStream || response.body === null) return response;
      opened++;
      return new Response(valved(response.body), { status: response.status, headers: response.headers });
    },
    hold() {
      if (!held) gate = Promise.withResolvers();
      held = true;
    },
    release() {
      held = false;
      gate.resolve();
    },
    cut() {
      for (const reject of cuts) reject(new Error("cut"));
      cuts.clear();
    },
    get opened() {
      return opened;
    },
  };
}
