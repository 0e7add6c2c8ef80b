import { BESIDE_OLD } from "../drills/failover/beside-old.ts";
import { buildCommit, hasCommit, VERSION_0_1_0 } from "../support/old-build.ts";
import { debianBinaries } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import type { Outcome } from "./suites.ts";

/** Whether the sources of 0.1.0 are in this clone. */
export const hasOldVersion = (): boolean => hasCommit(VERSION_0_1_0);

/** Runs 0.1.0 beside this version on one database: before, during and after an upgrade that is taken back. */
export async function besideOldVersion(): Promise<Outcome> {
  const options = { script: builtBundle(), old: buildCommit(VERSION_0_1_0), binaries: debianBinaries() };
  const failures: string[] = [];
  for (const { name, run: drill } of BESIDE_OLD) {
    const outcome = await drill(options);
    if (outcome === undefined) failures.push(`${name}: not run`);
    else if (outcome.wrong > 0) failures.push(`${name}: ${outcome.wrong} revoked tokens were allowed`);
    failures.push(...(outcome?.faults ?? []).map((fault) => `${name}: ${fault}`));
  }
  return { passed: failures.length === 0 ? BESIDE_OLD.length : 0, failures };
}
