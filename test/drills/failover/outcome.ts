import type { Answers } from "./stage.ts";

/** What a case came to. */
export interface Outcome {
  readonly name: string;
  /** Verifications of revoked tokens, and how many of them were allowed. */
  readonly asked: number;
  readonly wrong: number;
  /** What a refusal said. */
  readonly said: string;
  /** Expectations that were not met. */
  readonly faults: readonly string[];
}

/** Gathers what a case shows. */
export interface Record_ {
  /** Counts answers for tokens that are revoked: each allow is wrong. */
  dead(answers: Answers): void;
  /** Counts answers that may only be refusals to answer, which must say this. */
  refuses(answers: Answers, says: RegExp): void;
  /** Notes an expectation that was not met. */
  expect(met: boolean, what: string): void;
  /** Notes what a refusal said. */
  says(text: string, wanted: RegExp): void;
  readonly outcome: Outcome;
}

/** Begins the record of a case. */
export function record(name: string): Record_ {
  let asked = 0;
  let wrong = 0;
  let said = "";
  const faults: string[] = [];
  const expect = (met: boolean, what: string) => {
    if (!met) faults.push(what);
  };
  function says(text: string, wanted: RegExp): void {
    if (text !== "") said = text;
    expect(wanted.test(text), `does not say ${wanted.source}: ${JSON.stringify(text)}`);
  }
  return {
    dead(answers) {
      asked += answers.allowed + answers.refused + answers.unanswered;
      wrong += answers.allowed;
    },
    refuses(answers, wanted) {
      asked += answers.allowed + answers.refused + answers.unanswered;
      wrong += answers.allowed;
      expect(answers.unanswered > 0 && answers.allowed === 0, "does not refuse to answer");
      says(answers.reason, wanted);
    },
    expect,
    says,
    get outcome() {
      return { name, asked, wrong, said, faults };
    },
  };
}

/** Prints outcomes as a table. @returns whether all is as it must be */
export function printTable(outcomes: readonly Outcome[], say: (line: string) => void): boolean {
  const width = Math.max(...outcomes.map(({ name }) => name.length), 4);
  say(`${"case".padEnd(width)} | wrong allows | met | what the refusal said`);
  say(`${"-".repeat(width)}-|--------------|-----|----------------------`);
  for (const { name, asked, wrong, said, faults } of outcomes) {
    say(
      `${name.padEnd(width)} | ${`${wrong} of ${asked}`.padStart(12)} | ${faults.length === 0 ? "yes" : " no"} | ${said}`,
    );
    for (const fault of faults) say(`${" ".repeat(width)} |              |     |   ! ${fault}`);
  }
  return outcomes.every(({ wrong, faults }) => wrong === 0 && faults.length === 0);
}
