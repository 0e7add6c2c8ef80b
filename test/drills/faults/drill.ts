/** How a drill is run. */
export interface DrillSettings {
  /** Seconds for which a fault is held. */
  readonly hold: number;
  /** Seconds: how old a replica's knowledge of revocations may be. */
  readonly bound: number;
  /** How long a drill takes that is long. */
  readonly minutes: number;
  /** Tells of its progress. */
  say(line: string): void;
}

/** What a drill came to. */
export interface DrillOutcome {
  /** What was seen, in a line for the operating guide. */
  readonly saw: string;
  /** Milliseconds from the fault's end until everything was answered again; undefined where nothing has to recover. */
  readonly recovery: number | undefined;
  /** What does not hold on any machine; empty where all does. */
  readonly faults: readonly string[];
  /** What took too long: on a machine with other work that shows nothing. */
  readonly late: readonly string[];
}

/** One fault, and what the service makes of it. */
export interface Drill {
  readonly name: string;
  /** What is done, in a line. */
  readonly about: string;
  /** Whether it is run only if it is named. */
  readonly isLong?: true;
  run(settings: DrillSettings): Promise<DrillOutcome>;
}
