import { type Clearance, clear, type Facts } from "../../src/caveats/clear.ts";
import { type Condition, compileCaveat } from "../../src/caveats/condition.ts";
import type { Work } from "../../src/caveats/values/work.ts";

/** Reads a chain that is written as texts, as bytes, or as conditions already. */
export function compiled(chain: readonly (string | Uint8Array | Condition)[]): readonly Condition[] {
  return chain.map((link) =>
    typeof link === "string" || link instanceof Uint8Array ? compileCaveat(link) : link,
  );
}

/** Reads such a chain and clears it. */
export function clearTexts(
  chain: readonly (string | Uint8Array | Condition)[],
  facts: Facts,
  work?: Work,
): Clearance {
  return clear(compiled(chain), facts, work);
}

/** The text of a first-party caveat; undefined for a third-party one. */
export function textOf(condition: Condition): string | undefined {
  return condition.state === "third_party" ? undefined : condition.text;
}
