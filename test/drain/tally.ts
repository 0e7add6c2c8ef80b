import type { Caller } from "./arrivals.ts";

/** How callers ask. */
export type Kind = "kept" | "kept, slow" | "fresh" | "silent" | "mute" | "stream" | "poll" | "nginx";

/** What came of the questions of one kind. */
export interface Sum {
  readonly answered: number;
  /** Nobody listened: nothing was taken, and nothing is lost. */
  readonly refused: number;
  readonly lost: number;
}

/** Where callers note what came of their questions. */
export interface Count {
  answered(kind: Kind): void;
  refused(kind: Kind): void;
  /**
   * A question that was taken and not answered, or not as it should be.
   *
   * @param first the connection, if it was the first question over it: a service that never accepted it took nothing
   */
  lost(kind: Kind, how: string, first?: Caller): void;
}

/** Sums by kind, and how each lost question was lost. */
export interface Tally extends Count {
  readonly sums: ReadonlyMap<Kind, Sum>;
  readonly losses: readonly string[];
  /** Decides, once the services have ended, which first questions came over connections that none of them accepted. */
  settle(hasAccepted: (caller: Caller) => boolean): void;
}

export function createTally(): Tally {
  const sums = new Map<Kind, Sum>();
  const losses: string[] = [];
  const doubts: { readonly kind: Kind; readonly how: string; readonly first: Caller }[] = [];
  function add(kind: Kind, member: keyof Sum): void {
    const sum = sums.get(kind) ?? { answered: 0, refused: 0, lost: 0 };
    sums.set(kind, { ...sum, [member]: sum[member] + 1 });
  }
  function lost(kind: Kind, how: string, first?: Caller): void {
    if (first === undefined) {
      add(kind, "lost");
      losses.push(`${kind}: ${how}`);
    } else doubts.push({ kind, how, first });
  }
  return {
    sums,
    losses,
    answered: (kind) => add(kind, "answered"),
    refused: (kind) => add(kind, "refused"),
    lost,
    settle(hasAccepted) {
      for (const { kind, how, first } of doubts.splice(0)) {
        if (hasAccepted(first)) lost(kind, how);
        else add(kind, "refused");
      }
    },
  };
}

/** Losses of the same kind, counted. */
export function lossesOf({ losses }: Tally): readonly string[] {
  const counts = new Map<string, number>();
  for (const loss of losses) counts.set(loss, (counts.get(loss) ?? 0) + 1);
  return [...counts].map(([loss, times]) => `${times} x ${loss}`).sort();
}

/** One line a kind. */
export function printTally({ sums }: Tally): readonly string[] {
  return [...sums].map(
    ([kind, { answered, refused, lost }]) =>
      `${kind.padEnd(10)} ${String(answered).padStart(7)} answered ${String(refused).padStart(5)} refused ${String(lost).padStart(5)} lost`,
  );
}
