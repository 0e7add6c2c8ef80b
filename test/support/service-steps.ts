import type { Step, Steps } from "../../src/domain/ports/steps.ts";

/** Steps at which a test does something: waits, fails, looks. */
export interface TestSteps extends Steps {
  /** Does this whenever the step is passed; undefined to do nothing again. */
  at(step: Step, action: (() => void | Promise<void>) | undefined): void;
  /** What was passed, oldest first. */
  readonly seen: readonly Step[];
}

/** Steps at which nothing happens yet. */
export function createTestSteps(): TestSteps {
  const actions = new Map<Step, () => void | Promise<void>>();
  const seen: Step[] = [];
  return {
    seen,
    passed(step) {
      seen.push(step);
      return actions.get(step)?.();
    },
    at(step, action) {
      if (action === undefined) actions.delete(step);
      else actions.set(step, action);
    },
  };
}

/** A promise that a test resolves when it is time. */
export function createGate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
