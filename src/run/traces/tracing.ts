import type { Logger } from "pino";

import type { Store } from "../../domain/ports/store.ts";
import type { Webhook } from "../../domain/ports/webhook.ts";
import type { RequestTracer } from "../../http/log/request-tracer.ts";
import type { Fetch } from "../../oidc/issuer-fetch.ts";

/** Traces of a process's work, on their way to a collector. */
export interface Tracing extends RequestTracer {
  /** Told of each exchange with the database, once it is over. */
  queried(operation: string, milliseconds: number, failed: boolean): void;
  /** Records calls of identity providers that are made for a request. */
  issuerCalls(fetch: Fetch): Fetch;
  /** Records deliveries, each in a trace of its own. */
  deliveries(webhook: Webhook): Webhook;
  /** The `traceparent` of the delivery that is under way; undefined if nothing is passed on. */
  outgoing(): string | undefined;
  /** Has records name the audit events that are written for them, once they are. */
  auditedStore<S extends Store>(store: S): S;
  /** Sends all records that wait. Never rejects. */
  flush(): Promise<void>;
  /**
   * The same for the last time. Never rejects.
   *
   * @param patience milliseconds that the collector may take; it has none of them if it took nothing the last time
   */
  close(patience: number): Promise<void>;
}

/** The service whose traces they are, and its log. */
export interface TracedService {
  readonly version: string;
  /** The number of this process, if it is one of several workers. */
  readonly worker: number | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
}
