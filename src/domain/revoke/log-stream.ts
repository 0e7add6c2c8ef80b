import type { LogNews, LogStream } from "../log-news.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogView } from "../ports/revocations.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";

import { hashKeyOf } from "./log-page.ts";
import type { ReadShared } from "./shared-pages.ts";
import type { StreamProgress } from "./stream-progress.ts";

/** Entries that a stream holds at most. */
export const STREAM_PAGE = 200;

/** Settings of one stream. */
export interface LogStreamOptions {
  readonly view: LogView;
  readonly progress: StreamProgress;
  readonly readShared: ReadShared;
  readonly knowledge: Pick<RevocationKnowledge, "watch">;
  readonly agentKeys: AgentKeys;
  readonly clock: Clock;
  /** Milliseconds between two heartbeats. */
  readonly heartbeat: number;
  /** Whether the reader may still read this view. Asked before anything is said; a rejection ends the stream. */
  readonly mayGoOn: () => Promise<boolean>;
  /** The same, as far as memory knows. Asked whenever the log has grown, and after each wait. */
  readonly isAllowed: () => boolean;
  readonly onClose: () => void;
}

/**
 * Makes a stream, which reads the store only when it is asked for more and the log has grown. A slow reader
 * therefore holds one page.
 */
export function createLogStream(options: LogStreamOptions) {
  const { view, progress, readShared, clock, heartbeat } = options;
  const openedAt = clock.monotonic();
  let beatAt = Number.NEGATIVE_INFINITY;
  let ended = false;
  let wake = () => {};
  let cut = () => {};
  let held: LogNews | undefined;
  let hashKey: Uint8Array | undefined;
  let saidHashKey = false;

  const unwatch = options.knowledge.watch(() => {
    progress.grew();
    wake();
  });

  function close(): void {
    ended = true;
    unwatch();
    options.onClose();
    wake();
    cut();
  }

  /** Waits for something, but not beyond the stream's end: the database may be away. */
  function untilEnd<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      cut = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }

  /** Waits for news of the log, for the stream's end, or for as long as it is told. */
  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, milliseconds));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function heartbeatNow(): LogNews {
    return {
      kind: "heartbeat",
      sequence: progress.sequence(),
      ageMilliseconds: progress.age(),
      openMilliseconds: clock.monotonic() - openedAt,
    };
  }

  /** Asked right before anything is said: a session or a credential may have ended since the last time. */
  async function isStillAllowed(): Promise<boolean> {
    return (await options.mayGoOn()) && options.isAllowed();
  }

  async function read(): Promise<LogNews | undefined> {
    progress.beginRead();
    const { page, begun } = readShared(progress.position(), view);
    const read = await page;
    hashKey ??= hashKeyOf(view, read.position.epoch, options.agentKeys);
    const items = progress.take(read, read.entries.length < STREAM_PAGE, begun);
    return items.length === 0 ? undefined : { kind: "entries", items };
  }

  /** Reads, waits and beats until there is something to say. */
  async function nextNews(): Promise<LogNews | undefined> {
    if (hashKey !== undefined && !saidHashKey && options.isAllowed()) {
      saidHashKey = true;
      return (await isStillAllowed()) ? { kind: "hash_key", hashKey } : undefined;
    }
    if (held !== undefined && options.isAllowed()) {
      const news = held;
      held = undefined;
      return (await isStillAllowed()) ? news : undefined;
    }
    while (!ended && options.isAllowed()) {
      const left = beatAt + heartbeat - clock.monotonic();
      if (left <= 0) {
        beatAt = clock.monotonic();
        return (await isStillAllowed()) ? heartbeatNow() : undefined;
      }
      if (!progress.isBehind()) {
        await pause(left);
        continue;
      }
      let news: LogNews | undefined;
      try {
        news = await read();
      } catch (error) {
        // The reader has to start over. It hears so when it comes back.
        if (error instanceof DomainError && error.code === "gone") return undefined;
        progress.grew();
        await pause(Math.min(left, heartbeat / 5));
        continue;
      }
      if (news !== undefined) return (await isStillAllowed()) ? news : undefined;
    }
    return undefined;
  }

  return {
    /**
     * Reads the first page. Rejects, and closes the stream, if the position is gone or the store is down: those
     * can still be answered before the stream begins.
     */
    async begin(): Promise<LogStream> {
      try {
        held = await untilEnd(read());
      } catch (error) {
        close();
        throw error;
      }
      return {
        async next() {
          const news = await untilEnd(nextNews()).catch((error: unknown) => {
            close();
            throw error;
          });
          if (news === undefined) close();
          return news;
        },
        close,
      };
    },
    close,
  };
}
