import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Texts that are no caveats, each with exactly what is said of it. */
export function readFaults(): readonly { readonly text: string; readonly fault: string }[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, "faults.json"), "utf8"));
}
