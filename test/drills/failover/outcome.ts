import type { Answers } from "./fleet.ts";

/** What a case came to. */
export interface Outcome {
  readonly name: string;
  /** Verifications of tokens whose revocation was acknowledged, and how many of them were allowed. */
  readonly asked: number;
  readonly wrong: number;
  /** What the last refusal said. */
  readonly said: string;
  /** Expectations that were not met. */
  readonly faults: readonly string[];
}

/** Gathers what a case shows. */
export interface CaseRecord {
  /** Counts answers for revoked tokens: each allow is wrong, and not to answer is right. */
  dead(answers: Answers): void;
  /** Counts answers of a replica that may not answer at all, and has to say why. */
  refuses(answers: Answers, says: RegExp): void;
  /** Notes what a refusal said. */
  says(text: string, wanted: RegExp): void;
  /** Notes an expectation that was not met. */
  expect(met: boolean, what: string): void;
  outcome(): Outcome;
}

/** Begins the record of a case. */
export function createRecord(name: string): CaseRecord {
  let asked = 0;
  let wrong = 0;
  let said = "";
  const faults: string[] = [];

  function expect(met: boolean, what: string): void {
    if (!met) faults.push(what.trim());
  }
  function dead({ allowed, refused, unanswered }: Answers): void {
    asked += allowed + refused + unanswered;
    wrong += allowed;
  }
  function says(text: string, wanted: RegExp): void {
    if (text !== "") said = text;
    expect(wanted.test(text), `does not say ${wanted.source}: ${JSON.stringify(text)}`);
  }
  return {
    dead,
    refuses(answers, wanted) {
      dead(answers);
      expect(answers.unanswered > 0 && answers.allowed === 0, "does not refuse to answer");
      says(answers.reason, wanted);
    },
    says,
    expect,
    outcome: () => ({ name, asked, wrong, said, faults }),
  };
}

/** Prints outcomes as a table. @returns whether all is as it must be */
export function printTable(outcomes: readonly Outcome[], say: (line: string) => void): boolean {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  say(`${"case".padEnd(width)} | wrong allows | met | what the last refusal said`);
  say(`${"-".repeat(width)} | ------------ | --- | --------------------------`);
  for (const { name, asked, wrong, said, faults } of outcomes) {
    const met = faults.length === 0 ? "yes" : " no";
    say(`${name.padEnd(width)} | ${`${wrong} of ${asked}`.padStart(12)} | ${met} | ${said}`);
    for (const fault of faults) say(`${" ".repeat(width)} |              |     |   ! ${fault}`);
  }
  const bad = outcomes.filter(({ wrong, faults }) => wrong > 0 || faults.length > 0);
  say(`${outcomes.length} cases, ${bad.length} not as they must be`);
  return bad.length === 0;
}
