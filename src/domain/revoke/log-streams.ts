import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { printSequence } from "../parts/sequence.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogPosition, LogRead, LogView } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { LogNews, LogStream } from "../service.ts";
import { positionOf, readPage, viewOf, withSequence } from "./log-page.ts";

/** Bounds of the streams of one replica. */
export interface StreamLimits {
  /** Streams at once, and of one caller's view. */
  readonly most: number;
  readonly mostOfOne: number;
  /** Milliseconds between two heartbeats; a caller's credential is looked at anew with each. */
  readonly heartbeat: number;
}

/** What is used where nothing else is said. */
export const STREAM_LIMITS: StreamLimits = { most: 256, mostOfOne: 16, heartbeat: 5_000 };

/** Entries that a stream holds at most. */
const PAGE = 200;

/** Streams of the revocation log. */
export interface RevocationStreams {
  open(
    caller: Caller,
    after: string | undefined,
    authenticate: () => Promise<Caller | undefined>,
  ): Promise<LogStream>;
  /** Ends all streams and refuses new ones. */
  close(): void;
}

function sameView(a: LogView, b: LogView): boolean {
  return a.kind === "all" ? b.kind === "all" : b.kind === "platform" && a.platform === b.platform;
}

/**
 * Makes streams.
 *
 * A stream reads the store when it is asked for more and the log has grown, never ahead, so that a slow reader
 * holds one page. Streams of one view that stand at the same place share a read.
 */
export function createRevocationStreams(options: {
  readonly store: Pick<Store, "revocations">;
  readonly knowledge: Pick<RevocationKnowledge, "position" | "age" | "watch">;
  readonly clock: Clock;
  readonly limits?: StreamLimits;
}): RevocationStreams {
  const { store, knowledge, clock, limits = STREAM_LIMITS } = options;
  const open = new Set<{ readonly view: LogView; readonly end: () => void }>();
  const underway = new Map<string, { readonly read: Promise<LogRead>; readonly begun: number }>();
  let closed = false;

  function shared(from: LogPosition | undefined, view: LogView) {
    // A read that began before the log grew would lack what its new reader was woken for.
    const known = printSequence(knowledge.position());
    const key = `${from === undefined ? "" : printSequence(from)} ${known} ${view.kind === "all" ? "" : view.platform}`;
    const joined = underway.get(key);
    if (joined !== undefined) return joined;
    const begun = clock.monotonic();
    const read = readPage(store, from, PAGE, view).finally(() => underway.delete(key));
    const started = { read, begun };
    underway.set(key, started);
    return started;
  }

  function admit(view: LogView): void {
    if (closed) throw new DomainError("unavailable", "this replica is stopping");
    const own = [...open].filter((other) => sameView(other.view, view)).length;
    if (open.size >= limits.most || own >= limits.mostOfOne) {
      throw new DomainError("rate_limited", "too many streams of the revocation log are open");
    }
  }

  return {
    async open(caller, after, authenticate) {
      const view = viewOf(caller);
      let from = positionOf(after);
      admit(view);
      let ended = false;
      let wake = () => {};
      // What a read would bring is not known: the log has grown since, or never was read here.
      let behind = true;
      const entry = {
        view,
        end() {
          ended = true;
          wake();
        },
      };
      open.add(entry);
      const unwatch = knowledge.watch(() => {
        behind = true;
        wake();
      });
      const openedAt = clock.monotonic();
      let beatAt = Number.NEGATIVE_INFINITY;
      // When the last read began that reached the log's end: what its reader has been sent is as old as that.
      let readAt = Number.NEGATIVE_INFINITY;

      function close(): void {
        unwatch();
        open.delete(entry);
        entry.end();
      }

      function pause(milliseconds: number): Promise<void> {
        return new Promise((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, milliseconds));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }

      async function beat(): Promise<LogNews | undefined> {
        beatAt = clock.monotonic();
        const now = await authenticate().catch((error: unknown) => {
          // That nobody can say who calls is no reason to end it: what is sent is what was allowed.
          if (error instanceof DomainError && error.code === "unavailable") return caller;
          return undefined;
        });
        if (now === undefined || !sameView(viewOf(now), view)) return undefined;
        const sequence = printSequence(from ?? { epoch: knowledge.position().epoch, number: 0 });
        const at = clock.monotonic();
        const sent = at - readAt;
        return {
          kind: "heartbeat",
          sequence,
          // What this replica knows counts only where all of it has been sent.
          ageMilliseconds: behind ? sent : Math.min(sent, knowledge.age()),
          openMilliseconds: at - openedAt,
        };
      }

      async function read(): Promise<LogNews | undefined> {
        behind = false;
        const { read: underneath, begun } = shared(from, view);
        const { position, entries } = await underneath;
        const { epoch } = position;
        const more = entries.length === PAGE;
        behind ||= more;
        if (!more) readAt = begun;
        from = more ? { epoch, number: entries.at(-1)?.number ?? position.number } : position;
        if (entries.length === 0) return undefined;
        return { kind: "entries", items: entries.map((revocation) => withSequence(revocation, epoch)) };
      }

      async function next(): Promise<LogNews | undefined> {
        while (!ended) {
          const left = beatAt + limits.heartbeat - clock.monotonic();
          if (left <= 0) return beat();
          if (!behind) {
            await pause(left);
            continue;
          }
          try {
            const news = await read();
            if (news !== undefined) return news;
          } catch (error) {
            // Gone: the reader has to start over, which it hears when it comes back.
            if (error instanceof DomainError && error.code === "gone") return undefined;
            behind = true;
            await pause(Math.min(left, limits.heartbeat / 5));
          }
        }
        return undefined;
      }

      try {
        // Told at once, while there is an answer to put it in: a position that is gone, a store that is down.
        const first = await read();
        let held = first;
        return {
          async next() {
            if (held !== undefined && !ended) {
              const news = held;
              held = undefined;
              return news;
            }
            const news = await next().catch((error: unknown) => {
              close();
              throw error;
            });
            if (news === undefined) close();
            return news;
          },
          close,
        };
      } catch (error) {
        close();
        throw error;
      }
    },

    close() {
      closed = true;
      for (const { end } of open) end();
    },
  };
}
