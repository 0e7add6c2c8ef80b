/** How a part is run. */
export interface FuzzSettings {
  /** Decides every input; a number of 31 bits. */
  readonly seed: number;
  /** How many inputs are made. */
  readonly count: number;
}

/** What came of it. */
export interface FuzzReport {
  /** How many inputs were tried. */
  readonly tried: number;
  /** What they came to, and how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** What should not be, with the input that shows it; empty where all was well. */
  readonly findings: readonly string[];
}

/** One kind of fuzzing. */
export interface FuzzPart {
  readonly name: string;
  /** What is tried, in a line. */
  readonly about: string;
  /** How many inputs a run has unless it says otherwise. */
  readonly usual: number;
  run(settings: FuzzSettings): Promise<FuzzReport>;
}

/** Most findings that a run keeps: what is wrong is wrong a thousand times. */
const KEPT = 20;

/** Keeps what a run comes to. */
export function createRecord() {
  const counts = new Map<string, number>();
  const findings: string[] = [];
  let tried = 0;
  const note = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  return {
    /** Counts something besides what an input came to. */
    note,
    /** Another input was tried. @param outcome what it came to */
    count(outcome: string): void {
      tried += 1;
      note(outcome);
    },
    find(finding: string): void {
      if (findings.length < KEPT) findings.push(finding);
    },
    report: (): FuzzReport => ({ tried, counts, findings }),
  };
}
