import { askLater, type Case, FENCE, fenceAndServe, onStage, refuseToStart, revokeAll } from "./case.ts";
import { promote, type Stage } from "./stage.ts";

/** A primary that is lost with its last entries, and a standby without them that is promoted. */
async function lose(
  stage: Stage,
  seen: Parameters<typeof revokeAll>[1],
  env: Readonly<Record<string, string>> = {},
) {
  const knows = await stage.start("knows", stage.primary, env);
  const ignorant = await stage.start("ignorant", stage.primary, env);
  const tokens = await stage.issue(knows, 9);
  const [lost, others, good] = [tokens.slice(0, 4), tokens.slice(4, 8), tokens.slice(8)];
  await stage.cutReplication();
  ignorant.lead(undefined);
  const sequence = await revokeAll(stage, seen, knows, lost);
  await stage.primary.crash();
  await promote(stage.standby);
  return { knows, ignorant, lost, others, good, sequence };
}

function lastEntries(first: "knows them" | "does not", fence: boolean): Case {
  const name = `last entries lost; back first is the replica that ${first}; ${fence ? "fenced" : "not fenced"}`;
  return onStage(name, async (stage, seen) => {
    const { knows, ignorant, lost, others, good, sequence } = await lose(stage, seen);
    if (first === "knows them") {
      knows.lead(stage.standby);
      seen.dead(await askLater(stage, knows, lost));
    }
    ignorant.lead(stage.standby);
    seen.refuses(await askLater(stage, ignorant, lost), FENCE);
    // What is acknowledged now gets numbers that one replica has already.
    const acknowledged: string[] = [];
    let last: string | undefined;
    for (const token of others) {
      const revoked = await stage.revoke(ignorant, token);
      if (revoked.sequence === undefined) continue;
      acknowledged.push(token);
      last = revoked.sequence;
    }
    knows.lead(stage.standby);
    seen.dead(await askLater(stage, knows, acknowledged));
    if (last !== undefined) seen.dead(await stage.ask(knows, acknowledged, last));
    seen.dead(await stage.ask(ignorant, lost, sequence));
    seen.refuses(await stage.ask(knows, good), FENCE);
    await refuseToStart(stage, seen, stage.standby, { tokens: lost, says: FENCE });
    const whole = await stage.command(stage.standby, "restore-fence", "--whole", sequence);
    seen.expect(whole.code !== 0, "a log without its last entries is taken for whole");
    if (fence) {
      const tokens = [...lost, ...others, ...good];
      await fenceAndServe(stage, seen, stage.standby, { replicas: [knows, ignorant], tokens });
    }
  });
}

const byItself = onStage("last entries lost; RESTORE_FENCE=auto", async (stage, seen) => {
  const { knows, ignorant, lost, others, good } = await lose(stage, seen, { RESTORE_FENCE: "auto" });
  ignorant.lead(stage.standby);
  // It does not know that anything is missing: a promotion alone is never fenced.
  seen.refuses(await askLater(stage, ignorant, lost), FENCE);
  knows.lead(stage.standby);
  seen.dead(await askLater(stage, knows, lost));
  const tokens = [...lost, ...others, ...good];
  await fenceAndServe(stage, seen, stage.standby, { replicas: [knows, ignorant], tokens, by: "replica" });
  const log = knows.service?.stdout() ?? "";
  seen.expect(log.includes("revocation log fenced"), "the replica does not log that it has fenced");
});

/** Cases in which the last entries are lost. */
export const LOST: readonly Case[] = [
  lastEntries("does not", false),
  lastEntries("does not", true),
  lastEntries("knows them", false),
  lastEntries("knows them", true),
  byItself,
];
