import type { Span } from "../../domain/ports/span.ts";
import type { RequestEvent } from "./log.ts";

/** The facts of a request that its trace begins with. */
export type BegunRequest = Pick<RequestEvent, "requestId" | "method" | "route">;

/** The facts that its trace ends with. */
export type AnsweredRequest = Pick<RequestEvent, "status" | "caller" | "code">;

/** A request's place in a trace. */
export interface RequestTrace {
  readonly traceId: string;
  /** Records the work for the request; undefined if only its caller's trace is known. */
  readonly span: Span | undefined;
  end(answer: AnsweredRequest): void;
}

/** Records requests for the operator. */
export interface RequestTracer {
  /**
   * @param traceparent the caller's, as it was sent; a malformed one counts as none
   * @returns undefined for a request that is not recorded and is part of nobody's trace
   */
  begin(request: BegunRequest, traceparent: string | null): RequestTrace | undefined;
}
