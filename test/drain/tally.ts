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
  /** A question that was taken and not answered, or not as it should be. */
  lost(kind: Kind, how: string): void;
}

/** Sums by kind, and how each lost question was lost. */
export interface Tally extends Count {
  readonly sums: ReadonlyMap<Kind, Sum>;
  readonly losses: readonly string[];
}

export function createTally(): Tally {
  const sums = new Map<Kind, Sum>();
  const losses: string[] = [];
  function add(kind: Kind, member: keyof Sum): void {
    const sum = sums.get(kind) ?? { answered: 0, refused: 0, lost: 0 };
    sums.set(kind, { ...sum, [member]: sum[member] + 1 });
  }
  return {
    sums,
    losses,
    answered: (kind) => add(kind, "answered"),
    refused: (kind) => add(kind, "refused"),
    lost(kind, how) {
      add(kind, "lost");
      losses.push(`${kind}: ${how}`);
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
