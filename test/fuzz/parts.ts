import { BUNDLES } from "./bundles/fuzz-bundles.ts";
import { DECODERS } from "./decoders/fuzz-decoders.ts";
import { CONNECTIONS } from "./http/connections.ts";
import { HTTP } from "./http/fuzz-http.ts";
import type { FuzzPart } from "./part.ts";

/** Every part, in the order in which they run. */
export const PARTS: readonly FuzzPart[] = [DECODERS, BUNDLES, HTTP, CONNECTIONS];
