import type { Choices } from "../choices.ts";

/** Something that reads what anybody may have written. */
export interface Decoder {
  readonly name: string;
  /** Makes inputs that it takes, or nearly: what is fuzzed is made of these. */
  seeds(choices: Choices): readonly string[];
  /** Pieces of its grammar, which are put in anywhere. */
  readonly words: readonly string[];
  /**
   * Reads an input and checks what is promised of that.
   *
   * @returns what it came to, in a word
   * @throws whatever should not be thrown, and `Broken`
   */
  check(input: string): string;
}

/** A promise that an input breaks. */
class Broken extends Error {
  override readonly name = "Broken";
}

/** Holds a promise. @throws Broken */
export function promise(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what);
}

/** Calls what may refuse an input by an error of certain kinds. @returns undefined for such a refusal */
export function unless<T>(kinds: readonly (new (...args: never[]) => Error)[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
