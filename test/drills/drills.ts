import { BLACK_HOLE } from "./faults/black-hole.ts";
import { CLOCK_STEPPED } from "./faults/clock-stepped.ts";
import { DEMOTED } from "./faults/demoted.ts";
import type { Drill } from "./faults/drill.ts";
import { FULL } from "./faults/full.ts";
import { KILLED } from "./faults/killed.ts";
import { LOCK_HELD } from "./faults/lock-held.ts";
import { MASTER_KEY } from "./faults/master-key.ts";
import { NO_CONNECTIONS } from "./faults/no-connections.ts";
import type { OutageDrill } from "./faults/outage.ts";
import { PROMOTED, WITHOUT_ENTRIES } from "./faults/promoted.ts";
import { READ_ONLY } from "./faults/read-only.ts";
import { RESTORE } from "./faults/restore.ts";
import { ROLLING_UPGRADE } from "./faults/rolling-upgrade.ts";
import { SERVICE_KILLED } from "./faults/service-killed.ts";
import { SERVICE_PAUSED } from "./faults/service-paused.ts";
import { SLOW } from "./faults/slow.ts";
import { SOAK } from "./faults/soak.ts";
import { STOPPED } from "./faults/stopped.ts";

/** Those that leave a stand as it was, so that one is enough for all. */
export const OUTAGES: readonly OutageDrill[] = [
  KILLED,
  STOPPED,
  BLACK_HOLE,
  READ_ONLY,
  DEMOTED,
  NO_CONNECTIONS,
  LOCK_HELD,
  SLOW,
  FULL,
  SERVICE_KILLED,
  SERVICE_PAUSED,
];

/** The drills that `npm run drills` has, one file each. */
export const DRILLS: readonly Drill[] = [
  ...OUTAGES,
  CLOCK_STEPPED,
  PROMOTED,
  WITHOUT_ENTRIES,
  MASTER_KEY,
  RESTORE,
  ROLLING_UPGRADE,
  SOAK,
];
