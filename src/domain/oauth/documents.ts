import { forgetOldest } from "../parts/forget-oldest.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import { type Client, documentClient, readClientDocument } from "./client.ts";
import type { DocumentFetch, FetchedDocument } from "./outside.ts";

/** A client by its document, or why there is none. `why` is public. */
export type DocumentReading =
  | { readonly ok: true; readonly client: Client }
  | { readonly ok: false; readonly why: string; readonly busy?: true };

/** The clients that are known by a metadata document. */
export interface ClientDocuments {
  /**
   * Finds a client, from memory or by fetching its document.
   *
   * @param asker the owner of the allowance that a fetch is taken from: a person, or an address
   */
  find(url: URL, asker: string): Promise<DocumentReading>;
}

const MINUTE = 60;
/** Seconds: good documents are kept for as long as their headers say, within these. */
const SHORTEST = 5 * MINUTE;
const LONGEST = 24 * 60 * MINUTE;

/** Documents in memory, of five kilobytes each at most. */
const REMEMBERED = 1_000;

/** Fetches of one address, of one host, and for one asker. Failures are never remembered, so that these bound them. */
const BY_URL = { perSecond: 0.1, burst: 5, maxKeys: 10_000 };
const BY_HOST = { perSecond: 1, burst: 20, maxKeys: 10_000 };
const BY_ASKER = { perSecond: 0.2, burst: 10, maxKeys: 50_000 };

/**
 * How long a good document is kept, seconds.
 *
 * @param age seconds that it has been in caches already
 */
export function freshness(cacheControl: string, age: number): number {
  const directives = cacheControl
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
  if (directives.includes("no-store") || directives.includes("no-cache")) return SHORTEST;
  const seconds = directives.map((one) => /^max-age="?([0-9]{1,9})"?$/.exec(one)?.[1]).find(Boolean);
  return Math.min(LONGEST, Math.max(SHORTEST, Number(seconds ?? 0) - age));
}

/**
 * Keeps the documents of clients. Callers that ask for the same one at the same time share one fetch.
 *
 * @param documents the guarded fetch
 */
export function createClientDocuments(options: {
  readonly documents: DocumentFetch;
  readonly clock: Pick<Clock, "monotonic">;
}): ClientDocuments {
  const { documents, clock } = options;
  const byUrl = createRateLimit({ clock, ...BY_URL });
  const byHost = createRateLimit({ clock, ...BY_HOST });
  const byAsker = createRateLimit({ clock, ...BY_ASKER });
  const kept = new Map<string, { readonly client: Client; readonly until: number }>();
  const underWay = new Map<string, Promise<DocumentReading>>();

  /** The asker pays first: with nothing left of their own they use up nothing that others need. */
  function mayFetch(url: URL, asker: string): boolean {
    return byAsker.take(asker) && byUrl.take(url.href) && byHost.take(url.host);
  }

  function read(url: URL, fetched: FetchedDocument): DocumentReading {
    if (!fetched.ok) return { ok: false, why: `its metadata document is not known: ${fetched.why}` };
    const reading = readClientDocument(url.href, fetched.bytes);
    if (!reading.ok) {
      const member = reading.member === "" ? "it" : reading.member;
      return { ok: false, why: `its metadata document is no good: ${member} ${reading.why}` };
    }
    const client = documentClient(url, reading.settings, fetched.bytes);
    kept.delete(url.href);
    const until = clock.monotonic() + freshness(fetched.cacheControl, fetched.age) * 1000;
    kept.set(url.href, { client, until });
    forgetOldest(kept, REMEMBERED);
    return { ok: true, client };
  }

  return {
    async find(url, asker) {
      const known = kept.get(url.href);
      if (known !== undefined && known.until > clock.monotonic()) return { ok: true, client: known.client };
      const joined = underWay.get(url.href);
      if (joined !== undefined) return joined;
      if (!mayFetch(url, asker)) {
        return { ok: false, why: "its metadata document was asked for too often: repeat later", busy: true };
      }
      const reading = documents
        .fetch(url)
        .then((fetched) => read(url, fetched))
        .finally(() => underWay.delete(url.href));
      underWay.set(url.href, reading);
      return reading;
    },
  };
}
