/** The parts of a request that are told one by one. */
export type PartName = "look up token";

/** The facts of a piece of work that are told. Each is a word or a number of the service's own, or an id that gives no power. */
export type NoteName = "found";

/**
 * A piece of work that is recorded for the operator, as a part of a trace. Nothing here waits, throws, or takes a text that
 * somebody sent.
 */
export interface Span {
  /** Begins a part of it. */
  begin(part: PartName): Span;
  note(name: NoteName, value: string | number | boolean): void;
  /** An audit event is on record, or on its way there. */
  audited(eventId: string): void;
  /** @param failed whether the service could not do it */
  end(failed?: boolean): void;
}
