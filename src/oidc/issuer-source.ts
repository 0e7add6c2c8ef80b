import type { Clock } from "../domain/ports/clock.ts";
import { type IssuerDocuments, readIssuerDocuments } from "./issuer-documents.ts";
import { createIssuerFetch, type Fetch, issuerUnavailable } from "./issuer-fetch.ts";
import type { IssuerName } from "./issuer-name.ts";
import { createTransport } from "./issuer-transport.ts";
import { checkIssuer } from "./issuer-url.ts";

/** How long an issuer's documents serve, and how often it may be asked; all in milliseconds. */
export interface IssuerTiming {
  /** For one request to the issuer, its body included. */
  readonly timeout: number;
  /** Documents younger than this are used without asking again; so a withdrawn key lives this long at most. */
  readonly fresh: number;
  /** Documents of an issuer that does not answer are used up to this age. */
  readonly maxAge: number;
  /** Least time between two reads that succeeded, however many unknown key ids arrive. */
  readonly cooldown: number;
  /** Least time between a read that failed and the next one. */
  readonly retryAfter: number;
}

/** The timing that is used unless said otherwise. */
const ISSUER_TIMING: IssuerTiming = {
  timeout: 5_000,
  fresh: 10 * 60_000,
  maxAge: 60 * 60_000,
  cooldown: 10_000,
  retryAfter: 2_000,
};

/** An issuer's documents and when their reading began. */
export interface ReadDocuments extends IssuerDocuments {
  /** Wall-clock time, unix milliseconds. */
  readonly readAt: number;
  /** {@link Clock.monotonic}. */
  readonly readAtMonotonic: number;
}

/** The source of one issuer's documents. Nothing is read before it is asked for. */
export interface IssuerSource {
  /**
   * The documents, read again if they are not fresh.
   *
   * Rejects with a DomainError `unavailable` if the issuer did not answer and the known documents are too old.
   */
  current(): Promise<ReadDocuments>;
  /**
   * Documents that were read after the given ones; undefined if the issuer has been asked too recently
   * or did not answer.
   */
  newerThan(documents: ReadDocuments): Promise<ReadDocuments | undefined>;
  /** The bounded fetch for this issuer's other endpoints. */
  readonly fetch: Fetch;
}

/** Options of {@link createIssuerSource}. */
export interface IssuerSourceOptions {
  readonly name: IssuerName;
  /** Accept an http issuer, but only on this machine. */
  readonly allowInsecureIssuer: boolean;
  readonly backChannel?: string | undefined;
  readonly clock: Clock;
  readonly fetch?: Fetch | undefined;
  readonly timing?: Partial<IssuerTiming> | undefined;
}

/**
 * Caches one issuer's documents.
 *
 * Callers at the same time share one read, and reads keep a distance from one another, so that neither
 * load nor made-up key ids reach the issuer.
 *
 * @throws TypeError for an issuer that is no acceptable address
 */
export function createIssuerSource(options: IssuerSourceOptions): IssuerSource {
  const { name, clock } = options;
  const { address: issuer } = name;
  checkIssuer(issuer, options);
  const timing = { ...ISSUER_TIMING, ...options.timing };
  const fetch = createIssuerFetch({
    fetch: options.fetch ?? createTransport(),
    timeoutMs: timing.timeout,
    allowInsecureIssuer: options.allowInsecureIssuer,
    backChannel: options.backChannel,
    issuerOrigin: new URL(issuer).origin,
  });

  let known: ReadDocuments | undefined;
  let pending: Promise<void> | undefined;
  let failure: Error | undefined;
  let nextRead = Number.NEGATIVE_INFINITY;

  /** Joins the read under way, or begins one if it is time; never rejects. */
  async function read(): Promise<void> {
    if (pending === undefined) {
      if (clock.monotonic() < nextRead) return;
      pending = readOnce().finally(() => {
        pending = undefined;
      });
    }
    await pending;
  }

  async function readOnce(): Promise<void> {
    const readAt = clock.now();
    const readAtMonotonic = clock.monotonic();
    try {
      known = { ...(await readIssuerDocuments(name, options, fetch)), readAt, readAtMonotonic };
      failure = undefined;
      nextRead = readAtMonotonic + timing.cooldown;
    } catch (error) {
      failure = error instanceof Error ? error : issuerUnavailable("it failed");
      nextRead = clock.monotonic() + timing.retryAfter;
    }
  }

  /** Age is counted from the start of the read: the documents may have changed right after. */
  function youngerThan(age: number): ReadDocuments | undefined {
    return known !== undefined && clock.monotonic() - known.readAtMonotonic < age ? known : undefined;
  }

  return {
    async current() {
      const fresh = youngerThan(timing.fresh);
      if (fresh !== undefined) return fresh;
      const stale = failure === undefined ? undefined : youngerThan(timing.maxAge);
      const reading = read();
      // An issuer that failed last time is asked again, but nobody waits for it while its documents serve.
      if (stale !== undefined) return stale;
      await reading;
      const usable = youngerThan(timing.maxAge);
      if (usable === undefined) throw failure ?? issuerUnavailable("it has not answered for too long");
      return usable;
    },
    async newerThan(documents) {
      if (known === documents) await read();
      return known !== undefined && known !== documents ? known : undefined;
    },
    fetch,
  };
}
