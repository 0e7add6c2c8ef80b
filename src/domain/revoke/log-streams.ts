import type { Caller } from "../caller.ts";
import type { LogStream } from "../log-news.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogView } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { positionOf, viewOf } from "./log-page.ts";
import { createLogStream, STREAM_PAGE } from "./log-stream.ts";
import { createSharedPages } from "./shared-pages.ts";
import { createStreamProgress } from "./stream-progress.ts";

/** Bounds of the streams of one replica. */
export interface StreamLimits {
  /** Streams at once, of one caller's view, and of one credential with all that was narrowed from it. */
  readonly most: number;
  readonly mostOfView: number;
  readonly mostOfOne: number;
  /** Milliseconds between two heartbeats. */
  readonly heartbeat: number;
}

/** The bounds in use, unless a drill sets others. */
export const STREAM_LIMITS: StreamLimits = {
  most: 256,
  mostOfView: 48,
  mostOfOne: 16,
  heartbeat: 5_000,
};

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

/** The credential that reads a stream, and the links of what was presented of it. */
interface Reader {
  readonly credential: string;
  readonly links: readonly string[];
}

interface OpenStream {
  readonly view: LogView;
  readonly reader: Reader;
  close(): void;
}

function readerOf(caller: Caller): Reader {
  if (caller.kind === "service") return { credential: caller.credentialId, links: caller.links };
  return { credential: `${caller.identity.issuer}\n${caller.identity.subject}`, links: [] };
}

/** Whether a caller may still read a view; of a service's credential, by what this replica knows of revocations now. */
function mayRead(caller: Caller, view: LogView): boolean {
  try {
    return sameView(viewOf(caller), view);
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}

/** Admits streams within the bounds, and ends them all at once when the replica stops. */
export function createRevocationStreams(options: {
  readonly store: Pick<Store, "revocations">;
  readonly knowledge: Pick<RevocationKnowledge, "position" | "age" | "watch">;
  readonly agentKeys: AgentKeys;
  readonly clock: Clock;
  readonly limits?: StreamLimits;
}): RevocationStreams {
  const { limits = STREAM_LIMITS } = options;
  const open = new Set<OpenStream>();
  const readShared = createSharedPages({ ...options, limit: STREAM_PAGE });
  let closed = false;

  function admit(view: LogView, { credential, links }: Reader): void {
    if (closed) throw new DomainError("unavailable", "this replica is stopping");
    const ofView = [...open].filter((other) => sameView(other.view, view));
    const own = ofView.filter((other) => other.reader.credential === credential);
    const isFull = own.length >= limits.mostOfOne ? own : ofView.length >= limits.mostOfView ? ofView : [];
    // Whoever holds a credential comes before all that was narrowed from it: those come back later.
    const last = links.at(-1);
    const narrowed = isFull.filter(
      ({ reader }) => last !== undefined && reader.links.length > links.length && reader.links.includes(last),
    );
    const deepest = narrowed.toSorted((a, b) => b.reader.links.length - a.reader.links.length)[0];
    if (deepest !== undefined) deepest.close();
    else if (isFull.length > 0 || open.size >= limits.most) {
      throw new DomainError("rate_limited", "too many streams of the revocation log are open");
    }
  }

  return {
    async open(caller, after, authenticate) {
      const view = viewOf(caller);
      const progress = createStreamProgress(positionOf(after), { ...options, view });
      const reader = readerOf(caller);
      admit(view, reader);
      const stream = createLogStream({
        ...options,
        view,
        progress,
        readShared,
        heartbeat: limits.heartbeat,
        async mayGoOn() {
          const now = await authenticate().catch((error: unknown) =>
            // An outage of authentication ends no stream: this view was allowed when it was last looked at.
            error instanceof DomainError && error.code === "unavailable" ? caller : undefined,
          );
          return now !== undefined && mayRead(now, view);
        },
        isAllowed: () => mayRead(caller, view),
        onClose: () => open.delete(entry),
      });
      const entry = { view, reader, close: stream.close };
      open.add(entry);
      return stream.begin();
    },

    close() {
      closed = true;
      for (const { close } of open) close();
    },
  };
}
