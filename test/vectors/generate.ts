/**
 * Writes the vectors anew: `node test/vectors/generate.ts`. A test does the same in memory and compares, so
 * that no change of the formats goes unseen.
 */
import { writeFileSync } from "node:fs";

import { VECTORS } from "./files.ts";
import { render } from "./render.ts";

for (const [name, build] of Object.entries(VECTORS)) {
  writeFileSync(new URL(name, import.meta.url), render(build()));
}
