/**
 * How much of the tests a run has.
 *
 * - `short`: what every change is seen with, the whole of `npm test`
 * - `long`: what the short form leaves out; files that are not named in ../long.ts have nothing of it
 * - `whole`: both, which is also what a run has that says nothing
 */
export type Form = "short" | "long" | "whole";

/** Environment variable with the form of a run. */
export const FORM = "BAKEHOUSE_TEST_FORM";

/** The form of this run. @throws Error for a form that there is not */
export function formOfRun(): Form {
  const form = process.env[FORM] ?? "whole";
  if (form !== "short" && form !== "long" && form !== "whole")
    throw new Error(`${FORM} is neither short nor long nor whole`);
  return form;
}

/** Whether this run has the short form alone. */
export function isShort(): boolean {
  return formOfRun() === "short";
}

/**
 * Those cases of a table that this run has. The short and the long form have each case once between them.
 *
 * @param all every case
 * @param isShort whether a case is one of the short form
 *
 * @example
 * test.each(casesOf(SIGNALS, (signal) => signal === "SIGTERM"))("%s", …);
 */
export function casesOf<T>(all: readonly T[], isShort: (one: T, index: number) => boolean): readonly T[] {
  const form = formOfRun();
  return all.filter((one, index) => form === "whole" || isShort(one, index) === (form === "short"));
}

/**
 * Registers tests that only the long form has.
 *
 * @example
 * atLength(() => test("a million of them", …));
 */
export function atLength(register: () => void): void {
  if (!isShort()) register();
}

/** How often something is tried, or how much of it: the short form's number, or the full one. */
export function timesOf(full: number, short: number): number {
  return isShort() ? short : full;
}
