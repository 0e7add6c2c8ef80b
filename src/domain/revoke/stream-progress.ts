import type { RevocationView } from "../log-news.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { printSequence } from "../parts/sequence.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogPosition, LogRead, LogView } from "../ports/revocations.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { seenBy } from "./log-page.ts";

/** The part of the log that one reader has been sent, and the age of that part. */
export interface StreamProgress {
  /** The position to read on from; undefined for the beginning. */
  position(): LogPosition | undefined;
  /** The same as callers see it. */
  sequence(): string;
  /** Whether a read may bring more: the log has grown since the last one, or none has reached its end. */
  isBehind(): boolean;
  /** Notes that the log has grown. */
  grew(): void;
  /** Notes that a read begins, which sees everything that the log has grown by so far. */
  beginRead(): void;
  /**
   * Moves on over a page.
   *
   * @param isLast whether the page reaches the log's end
   * @param begun when its read began, by the monotonic clock
   */
  take(page: LogRead, isLast: boolean, begun: number): readonly RevocationView[];
  /** Milliseconds since the knowledge was up to date that has been sent; infinite before the log's end was reached. */
  age(): number;
}

/** Makes the progress of a reader that goes on after a position; undefined for one that starts at the beginning. */
export function createStreamProgress(
  after: LogPosition | undefined,
  {
    knowledge,
    clock,
    view,
    agentKeys,
  }: {
    readonly view: LogView;
    readonly agentKeys: AgentKeys;
    readonly knowledge: Pick<RevocationKnowledge, "position" | "age">;
    readonly clock: Clock;
  },
): StreamProgress {
  let position = after;
  let behind = true;
  // The start of the last read that reached the log's end. The reader's knowledge is as old as that.
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    position: () => position,
    sequence: () => printSequence(position ?? { epoch: knowledge.position().epoch, number: 0 }),
    isBehind: () => behind,
    grew() {
      behind = true;
    },
    beginRead() {
      behind = false;
    },
    take({ position: end, entries }, isLast, begun) {
      const { epoch } = end;
      behind ||= !isLast;
      if (isLast) readAt = begun;
      const last = entries.at(-1);
      position = isLast || last === undefined ? end : { epoch, number: last.number, hash: last.hash };
      return entries.flatMap((revocation) => seenBy(view, revocation, epoch, agentKeys));
    },
    age() {
      const sinceRead = clock.monotonic() - readAt;
      // This replica follows the log itself. Its own age counts only while the reader has been sent all of it.
      return behind ? sinceRead : Math.min(sinceRead, knowledge.age());
    },
  };
}
