/**
 * Writes the vectors anew: `node test/vectors/generate.ts`. A test does the same in memory and compares, so
 * that no change of the formats goes unseen.
 */
import { writeFileSync } from "node:fs";

import { buildMacaroonVectors } from "./build.ts";
import { buildMalformedVectors } from "./malformed.ts";
import { render } from "./render.ts";

for (const [name, vectors] of [
  ["macaroon.json", buildMacaroonVectors()],
  ["malformed.json", buildMalformedVectors()],
] as const) {
  writeFileSync(new URL(name, import.meta.url), render(vectors));
}
