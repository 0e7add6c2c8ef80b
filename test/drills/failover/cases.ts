import { setTimeout as sleep } from "node:timers/promises";

import { type Outcome, record } from "./outcome.ts";
import {
  type Answers,
  BOUND,
  openStage,
  promote,
  type Replica,
  type Stage,
  type StageOptions,
  sql,
} from "./stage.ts";

/** A case of the drill. */
export interface Case {
  readonly name: string;
  run(options: StageOptions): Promise<Outcome>;
}

const FENCE = /bakehouse restore-fence/;

/** Asks until the replica has had time to see the new server, and keeps what was answered last. */
async function settled(
  stage: Stage,
  at: Replica,
  tokens: readonly string[],
  minSequence?: string,
): Promise<Answers> {
  await sleep(BOUND / 2);
  return stage.ask(at, tokens, minSequence);
}

/** A primary is lost with its last entries, and a standby is promoted that lacks them. */
function lost(first: "knows" | "ignorant", fence: boolean): Case {
  const name = `last entries lost; the replica that ${first === "knows" ? "knows them" : "does not"} is back first; ${fence ? "fenced" : "not fenced"}`;
  return {
    name,
    async run(options) {
      const stage = await openStage(options);
      const seen = record(name);
      try {
        const knows = await stage.start("knows", stage.primary);
        const ignorant = await stage.start("ignorant", stage.primary);
        const tokens = await stage.issue(knows, 9);
        const [early, late] = [tokens.slice(0, 4), tokens.slice(4, 8)];
        await stage.cutReplication();
        ignorant.lead(undefined);
        for (const token of early)
          seen.expect((await stage.revoke(knows, token)).sequence !== undefined, "no revocation");
        await stage.primary.crash();
        await promote(stage.standby);
        if (first === "knows") {
          knows.lead(stage.standby);
          seen.dead(await settled(stage, knows, early));
          ignorant.lead(stage.standby);
        } else {
          ignorant.lead(stage.standby);
        }
        const lostOnes = await settled(stage, ignorant, early);
        // What is acknowledged now gets numbers that one replica has already.
        const acknowledged: string[] = [];
        let last: string | undefined;
        for (const token of late) {
          const { sequence } = await stage.revoke(ignorant, token);
          if (sequence !== undefined) acknowledged.push(token);
          last = sequence ?? last;
        }
        knows.lead(stage.standby);
        seen.dead(await settled(stage, knows, acknowledged));
        if (last !== undefined) seen.dead(await stage.ask(knows, acknowledged, last));
        seen.refuses(lostOnes, FENCE);
        seen.refuses(await stage.ask(knows, tokens.slice(8)), FENCE);
        const late_ = await stage.start("late", stage.standby);
        if (late_.service === undefined) seen.says(late_.refusal, FENCE);
        else seen.refuses(await stage.ask(late_, early), FENCE);
        if (fence) await fenceAndServe(stage, [knows, ignorant], tokens, seen);
        return seen.outcome;
      } finally {
        await stage.close();
      }
    },
  };
}

/** Fences, writes new credentials, and sees that old tokens are dead and new ones good. */
async function fenceAndServe(
  stage: Stage,
  replicas: readonly Replica[],
  tokens: readonly string[],
  seen: ReturnType<typeof record>,
): Promise<void> {
  const fenced = await stage.command(stage.standby, "restore-fence");
  seen.expect(fenced.code === 0, `no fence: ${fenced.said}`);
  const reissued = await stage.command(stage.standby, "bootstrap", "--reissue");
  seen.expect(reissued.code === 0, `no credentials: ${reissued.said}`);
  await sleep(BOUND / 2);
  const [first] = replicas;
  const [fresh] = first === undefined ? [] : await stage.issue(first, 1);
  for (const replica of replicas) {
    seen.dead(await stage.ask(replica, tokens));
    const { allowed, reason } = await stage.ask(replica, [fresh ?? ""]);
    seen.expect(allowed === 1, `${replica.name} does not serve after the fence: ${reason}`);
  }
}

/** A hot standby whose replay stands still. */
function pausedStandby(): Case {
  const name = "a hot standby whose replay stands still, as DATABASE_URL";
  return {
    name,
    async run(options) {
      const stage = await openStage(options);
      const seen = record(name);
      try {
        const one = await stage.start("one", stage.primary);
        const other = await stage.start("other", stage.primary);
        const tokens = await stage.issue(one, 4);
        await stage.caughtUp();
        await sql(stage.standby, "select pg_wal_replay_pause()");
        other.lead(stage.standby);
        for (const token of tokens) await stage.revoke(one, token);
        await sleep(BOUND * 1.5);
        seen.refuses(await stage.ask(other, tokens), /standby/);
        const late = await stage.start("late", stage.standby);
        if (late.service === undefined) seen.says(late.refusal, /standby/);
        else seen.refuses(await stage.ask(late, tokens), /standby/);
        return seen.outcome;
      } finally {
        await stage.close();
      }
    },
  };
}

/** All cases. */
export const CASES: readonly Case[] = [lost("ignorant", false), lost("knows", true), pausedStandby()];
