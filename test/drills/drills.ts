import { BLACK_HOLE } from "./faults/black-hole.ts";
import type { Drill } from "./faults/drill.ts";
import { KILLED } from "./faults/killed.ts";
import { SERVICE_KILLED } from "./faults/service-killed.ts";
import { STOPPED } from "./faults/stopped.ts";

/** The drills that `npm run drills` has, one file each. */
export const DRILLS: readonly Drill[] = [KILLED, STOPPED, BLACK_HOLE, SERVICE_KILLED];
