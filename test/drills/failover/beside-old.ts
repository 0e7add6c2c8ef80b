import { askLater, type Case, onStage, revokeAll, serves } from "./case.ts";
import { sql } from "./stage.ts";

// The chain, reckoned anew from the rows: from the last entry that had no hash on.
const CHAIN = `
  with recursive chain as (
    (select h.number, h.hash from revocation_hashes as h order by h.number limit 1)
    union all
    select r.number, sha256(chain.hash || r.salt || int8send(r.number) || r.dedup || uuid_send(r.id)
      || timestamptz_send(r.revoked_at) || timestamptz_send(r.last_match_at)
      || convert_to(r.author, 'UTF8') || coalesce('\\x00'::bytea || convert_to(r.reason, 'UTF8'), ''))
    from chain join revocations as r on r.number = chain.number + 1
  )
  select count(*)::int as links, bool_and(chain.hash = r.hash) as holds
  from chain join revocations as r on r.number = chain.number and r.hash is not null`;

/** Version 0.1.0 made the database; a newer replica migrates it and works beside an older one, in both directions. */
export const BESIDE_OLD: readonly Case[] = [
  onStage(
    "version 0.1.0 beside this one, before, during and after an upgrade that is taken back",
    async (stage, seen, { old, script }) => {
      const older = await stage.start("older", stage.primary, {}, old);
      const tokens = await stage.issue(older, 8);
      const before = await revokeAll(stage, seen, older, tokens.slice(0, 2));
      const newer = await stage.start("newer", stage.primary, {}, script);
      seen.expect(newer.service !== undefined, `does not start on the database of 0.1.0: ${newer.refusal}`);
      const byOld = await revokeAll(stage, seen, older, tokens.slice(2, 4));
      const byNew = await revokeAll(stage, seen, newer, tokens.slice(4, 6));
      const dead = tokens.slice(0, 6);
      for (const replica of [older, newer]) {
        seen.dead(await askLater(stage, replica, dead));
        await serves(stage, seen, replica, tokens.slice(6));
      }
      // Sequences of 0.1.0 are good for the newer one; a newer one is of another epoch to 0.1.0, and no nonsense.
      for (const sequence of [before, byOld, byNew]) {
        const { refused } = await stage.ask(newer, dead, sequence);
        seen.expect(refused === dead.length, `${sequence} is not good for min_sequence`);
      }
      const { reason } = await stage.ask(older, dead, byNew);
      seen.expect(reason.startsWith("503"), `0.1.0 says of a sequence with a hash: ${reason}`);
      // Restarted, and the upgrade taken back.
      await older.stop();
      await newer.stop();
      const back = await stage.start("older", stage.primary, {}, old);
      seen.expect(back.service !== undefined, `0.1.0 does not start again: ${back.refusal}`);
      await revokeAll(stage, seen, back, tokens.slice(6, 7));
      const forth = await stage.start("newer", stage.primary, {}, script);
      seen.expect(forth.service !== undefined, `does not start again: ${forth.refusal}`);
      seen.dead(await stage.ask(forth, tokens.slice(0, 7)));
      await serves(stage, seen, forth, tokens.slice(7));
      const [chain] = await sql(stage.primary, CHAIN);
      seen.expect(chain?.["links"] === 5 && chain["holds"] === true, `the chain: ${JSON.stringify(chain)}`);
      const fence = await stage.command(stage.primary, "restore-fence");
      seen.expect(fence.code === 0, `no fence: ${fence.said}`);
      seen.dead(await askLater(stage, back, tokens));
    },
    { needs: ({ old }) => old !== undefined, bootstrapBy: "old" },
  ),
];
