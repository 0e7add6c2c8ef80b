import type { Config } from "../../config.ts";
import type { Sealing } from "../../domain/keys/sealing.ts";
import { opens, SEALED_TABLES, type SealedTable, type SealedValues } from "../../domain/upkeep/rewrap.ts";
import { about, type Finding } from "./finding.ts";
import { configuredSealing } from "./rewrap.ts";

/** Pages of each table that are looked at: keys are few, and kept answers are enough by then to tell. */
const PAGES = 20;

/** Names of the tables' contents, for people. */
export const CONTENTS: Readonly<Record<SealedTable, string>> = {
  root_keys: "root keys",
  discharge_keys: "keys of discharges",
  verdict_keys: "keys of signed verdicts",
  audit_key: "the key of audit checkpoints",
  discharge_requests: "requests for discharges",
  idempotency: "kept answers",
};

/** Looks whether the master key opens what is sealed. */
export async function masterKeyFindings(values: SealedValues, config: Config): Promise<readonly Finding[]> {
  const { failed } = about("master key");
  const sealing = await configuredSealing(config);
  return sealing === undefined
    ? [
        failed(
          `${config.dataDir} has no file master.key`,
          "restore it from a backup: without it no key opens",
        ),
      ]
    : judged(await countOf(values, sealing), config.previousMasterKey !== undefined);
}

interface Count {
  readonly seen: number;
  /** Sealed under the previous key, and opened by it. */
  readonly earlier: number;
  readonly unopened: ReadonlyMap<SealedTable, number>;
}

async function countOf(values: SealedValues, sealing: Sealing): Promise<Count> {
  let [seen, earlier] = [0, 0];
  const unopened = new Map<SealedTable, number>();
  for (const table of SEALED_TABLES) {
    let after: string | undefined;
    for (let pages = 0; pages === 0 || (after !== undefined && pages < PAGES); pages++) {
      const page = await values.page(table, sealing.keyId, after);
      const shut = page.others.filter((value) => !opens(sealing, table, value)).length;
      if (shut > 0) unopened.set(table, (unopened.get(table) ?? 0) + shut);
      earlier += page.others.length - shut;
      seen += page.seen;
      after = page.next;
    }
  }
  return { seen, earlier, unopened };
}

function judged({ seen, earlier, unopened }: Count, hasPrevious: boolean): readonly Finding[] {
  const { ok, warning, failed } = about("master key");
  const findings = [...unopened].map(([table, count]) =>
    failed(
      `${CONTENTS[table]}: ${count} ${count === 1 ? "does" : "do"} not open`,
      "set MASTER_KEY or MASTER_KEY_PREVIOUS to the key that they were made with",
    ),
  );
  if (earlier > 0)
    return [
      ...findings,
      warning(
        `${earlier} values are sealed under MASTER_KEY_PREVIOUS`,
        "keep it; `bakehouse rewrap` seals them under MASTER_KEY",
      ),
    ];
  if (findings.length > 0) return findings;
  const nothing = hasPrevious ? ", and nothing is sealed under MASTER_KEY_PREVIOUS" : "";
  return [ok(`it opens what is sealed (${seen} rows looked at)${nothing}`)];
}
