import fc from "fast-check";

import { runSeed } from "./seed.ts";

// Before each test file: properties without a seed of their own take the run's.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: runSeed() });
