import { setTimeout as sleep } from "node:timers/promises";
import { type Answers, BOUND, type Replica, type Server } from "./fleet.ts";
import { type CaseRecord, createRecord, type Outcome } from "./outcome.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

/** Settings of the whole drill. */
export interface DrillOptions {
  /** The bundled command that is drilled. */
  readonly script: string;
  /** The bundled command of version 0.1.0, for what runs beside it; undefined leaves that out. */
  readonly old: string | undefined;
  /** The folder above `bin` of the servers; undefined for npm's. */
  readonly binaries: string | undefined;
}

/** A case of the drill. */
export interface Case {
  readonly name: string;
  run(options: DrillOptions): Promise<Outcome | undefined>;
}

/** What every refusal for lost entries has to name. */
export const FENCE = /bakehouse restore-fence/;

/** Makes a case over a stage of its own. @param body returns false if it cannot be run here */
export function onStage(
  name: string,
  body: (stage: Stage, seen: CaseRecord, options: DrillOptions) => Promise<unknown>,
  more: Partial<StageOptions> & { readonly needs?: (options: DrillOptions) => boolean } = {},
): Case {
  return {
    name,
    async run(options) {
      if (more.needs?.(options) === false) return undefined;
      const stage = await openStage({ ...options, ...more });
      const seen = createRecord(name);
      try {
        await body(stage, seen, options);
        return seen.outcome();
      } finally {
        await stage.close();
      }
    },
  };
}

/** Asks once the replica has had time to read the log again. */
export async function askLater(
  stage: Stage,
  at: Replica,
  tokens: readonly string[],
  minSequence?: string,
): Promise<Answers> {
  await sleep(BOUND / 2);
  return stage.ask(at, tokens, minSequence);
}

/** Revokes tokens, each of which has to be acknowledged. @returns the last sequence */
export async function revokeAll(
  stage: Stage,
  seen: CaseRecord,
  at: Replica,
  tokens: readonly string[],
): Promise<string> {
  let last = "";
  for (const token of tokens) {
    const { sequence, reason } = await stage.revoke(at, token);
    seen.expect(sequence !== undefined, `a revocation was not acknowledged: ${reason}`);
    last = sequence ?? last;
  }
  return last;
}

/** Starts a replica that remembers nothing, which has to be refused for this reason. */
export async function refuseToStart(
  stage: Stage,
  seen: CaseRecord,
  server: Server,
  {
    tokens,
    says,
    env = {},
  }: {
    readonly tokens: readonly string[];
    readonly says: RegExp;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const fresh = await stage.start(`fresh at ${server.url}`, server, env);
  if (fresh.service === undefined) seen.says(fresh.refusal, says);
  else seen.refuses(await stage.ask(fresh, tokens), says);
}

/** Fences a server; old tokens are dead then, and new ones good, on every replica without a restart. */
export async function fenceAndServe(
  stage: Stage,
  seen: CaseRecord,
  server: Server,
  {
    replicas,
    tokens,
    by = "command",
  }: {
    readonly replicas: readonly Replica[];
    readonly tokens: readonly string[];
    /** Whether a replica has fenced already. */
    readonly by?: "command" | "replica";
  },
): Promise<void> {
  if (by === "command") {
    const fenced = await stage.command(server, "restore-fence");
    seen.expect(fenced.code === 0, `no fence: ${fenced.said}`);
  }
  const reissued = await stage.command(server, "bootstrap", "--reissue");
  seen.expect(reissued.code === 0, `no new credentials: ${reissued.said}`);
  await sleep(BOUND / 2);
  const [first] = replicas;
  const fresh = first === undefined ? [] : await stage.issue(first, 1);
  for (const replica of replicas) {
    seen.dead(await stage.ask(replica, tokens));
    await serves(stage, seen, replica, fresh);
  }
}

/** Expects that a replica allows these tokens. */
export async function serves(
  stage: Stage,
  seen: CaseRecord,
  replica: Replica,
  tokens: readonly string[],
): Promise<void> {
  const { allowed, reason } = await stage.ask(replica, tokens);
  seen.expect(allowed === tokens.length, `${replica.name} does not serve: ${allowed} allowed, ${reason}`);
}
