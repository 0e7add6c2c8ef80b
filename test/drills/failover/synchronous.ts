import { askLater, type Case, FENCE, onStage, refuseToStart, revokeAll, serves } from "./case.ts";
import { promote, sql } from "./stage.ts";

const SYNCHRONOUS = { synchronous_standby_names: "standby" };
const SAID = { FAILOVER: "synchronous" };

const servesByItself = onStage(
  "FAILOVER=synchronous, and a synchronous standby is promoted",
  async (stage, seen) => {
    await stage.caughtUp();
    const one = await stage.start("one", stage.primary, SAID);
    const tokens = await stage.issue(one, 6);
    const [dead, good] = [tokens.slice(0, 4), tokens.slice(4)];
    await revokeAll(stage, seen, one, dead);
    await stage.primary.crash(); // at once: what was acknowledged is on the standby
    await promote(stage.standby);
    await sql(stage.standby, "alter system set synchronous_standby_names = ''", "select pg_reload_conf()");
    one.lead(stage.standby);
    seen.dead(await askLater(stage, one, dead));
    await serves(stage, seen, one, good);
    const fresh = await stage.start("fresh", stage.standby, SAID);
    seen.expect(fresh.service !== undefined, `a fresh replica does not start: ${fresh.refusal}`);
    seen.dead(await stage.ask(fresh, dead));
    await serves(stage, seen, fresh, good);
    await revokeAll(stage, seen, one, good);
    seen.dead(await askLater(stage, fresh, good));
  },
  { settings: SYNCHRONOUS },
);

const saidOnly = onStage("FAILOVER=synchronous, and the standby was not synchronous", async (stage, seen) => {
  const one = await stage.start("one", stage.primary, SAID);
  const tokens = await stage.issue(one, 3);
  await stage.cutReplication();
  await revokeAll(stage, seen, one, tokens);
  await one.stop();
  await stage.primary.crash();
  await promote(stage.standby);
  await refuseToStart(stage, seen, stage.standby, { tokens, says: FENCE, env: SAID });
});

function notOnStandby(name: string, how: readonly string[]): Case {
  return onStage(
    name,
    async (stage, seen) => {
      await stage.caughtUp();
      await sql(stage.primary, ...how);
      const one = await stage.start("one", stage.primary, SAID);
      const tokens = await stage.issue(one, 3);
      await stage.cutReplication();
      // No standby confirms anything now. What is acknowledged all the same is lost.
      const acknowledged: string[] = [];
      for (const token of tokens) {
        const revoked = await stage.revoke(one, token);
        if (revoked.sequence !== undefined) acknowledged.push(token);
        else seen.says(revoked.reason, /503/);
        // The same again: the entry may be there, and is no safer for that.
        if ((await stage.revoke(one, token)).sequence !== undefined) acknowledged.push(token);
      }
      seen.expect(acknowledged.length === 0, `${acknowledged.length} acknowledged that no standby has`);
      await one.stop();
      await stage.primary.crash();
      await promote(stage.standby);
      await sql(stage.standby, "alter system set synchronous_standby_names = ''", "select pg_reload_conf()");
      const fresh = await stage.start("fresh", stage.standby, SAID);
      seen.dead(await stage.ask(fresh, acknowledged));
    },
    { settings: SYNCHRONOUS },
  );
}

/** Cases of synchronous replication. */
export const SYNCHRONY: readonly Case[] = [
  servesByItself,
  saidOnly,
  notOnStandby("the synchronous standby is gone: nothing is acknowledged", []),
  notOnStandby("the same, and synchronous_commit = local for the role", [
    "alter role postgres set synchronous_commit = local",
  ]),
];
