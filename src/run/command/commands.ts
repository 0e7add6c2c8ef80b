import cluster from "node:cluster";

import { parseInstant } from "../../caveats/values/instant.ts";
import type { ServerCommand } from "../../cli/cli.ts";
import type { Config } from "../../config.ts";
import { UsageError } from "../start-failure.ts";
import { alone } from "./alone.ts";
import { type CommandContext, withConfig } from "./context.ts";
import { doctorCommand, rewrapCommand } from "./operator.ts";
import { serveAlone, serveAsWorker, serveWith } from "./serve.ts";

/** Most workers of one service. */
const MOST_WORKERS = 64;

type Say = CommandContext["say"];

async function migrate(config: Config, say: Say): Promise<void> {
  const { migrateOnly } = await import("../migrate.ts");
  await migrateOnly(config);
  say("bakehouse: the schema is up to date");
}

async function bootstrap(config: Config, say: Say, reissue: boolean): Promise<void> {
  const { bootstrapOnly } = await import("../bootstrap.ts");
  const done = await bootstrapOnly(config, reissue);
  if (done.outcome === "there already") {
    say("bakehouse: bootstrapped before; --reissue writes new credentials");
  } else {
    for (const path of done.paths) say(`bakehouse: wrote ${path}`);
  }
}

async function takeWhole(config: Config, say: Say, sequence: string): Promise<void> {
  const { takeWholeOnly } = await import("../restore-fence.ts");
  const end = await takeWholeOnly(config, sequence);
  say(`bakehouse: the revocation log is whole and goes on from ${end}`);
}

async function restoreFence(config: Config, say: Say, issuedBefore: number | undefined): Promise<void> {
  const { restoreFenceOnly } = await import("../restore-fence.ts");
  const fenced = await restoreFenceOnly(config, issuedBefore);
  const until = new Date(fenced.issuedBefore).toISOString();
  say(`bakehouse: the revocation log has epoch ${fenced.epoch}`);
  say(`bakehouse: revoked what ${fenced.platforms.length} platforms had issued before ${until}`);
  say("bakehouse: API credentials among it; `bakehouse bootstrap --reissue` writes new ones");
}

/** @returns unix milliseconds: the whole second that is not before the instant, which a fence must not leave out */
function instantOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = parseInstant(text);
  if (parsed === undefined) {
    throw new UsageError("--issued-before takes an RFC 3339 instant, such as 2026-12-01T00:00:00Z");
  }
  return (parsed.seconds + (parsed.fraction === "" ? 0 : 1)) * 1000;
}

function workersOf(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^[1-9][0-9]?$/.test(text) || Number(text) > MOST_WORKERS) {
    throw new UsageError(`--workers takes a number from 1 to ${MOST_WORKERS}`);
  }
  return Number(text);
}

/** The commands that run the service. `run` resolves to 0, or rejects: `explainFailure` says why. */
export function serverCommands(context: CommandContext): readonly ServerCommand[] {
  const { say } = context;
  return [
    {
      name: "serve",
      usage: "",
      summary: "answer requests until stopped",
      details: ["Several workers share the port; SIGHUP replaces them one after the other, without a gap."],
      options: {
        workers: { type: "string", value: "N", help: `processes, up to ${MOST_WORKERS}; 1 unless said` },
      },
      async run({ positionals, text }) {
        alone(positionals);
        const workers = workersOf(text("workers"));
        if (cluster.isWorker) await serveAsWorker(context);
        else if (workers > 1) await withConfig(context, (config) => serveWith(workers, config, context));
        else await withConfig(context, (config) => serveAlone(config, context));
        return 0;
      },
    },
    {
      name: "migrate",
      usage: "",
      summary: "bring the database's schema up to date",
      options: {},
      async run({ positionals }) {
        alone(positionals);
        await withConfig(context, (config) => migrate(config, say));
        return 0;
      },
    },
    {
      name: "bootstrap",
      usage: "",
      summary: "make the first platform and its credentials, once",
      options: { reissue: { type: "boolean", help: "write new credentials for it" } },
      async run({ positionals, flag }) {
        alone(positionals);
        await withConfig(context, (config) => bootstrap(config, say, flag("reissue")));
        return 0;
      },
    },
    {
      name: "restore-fence",
      usage: "",
      summary: "after restoring a database, revoke what was issued before",
      details: [
        "Gives the revocation log a new epoch, and revokes all that was issued before an instant.",
        "With --whole it revokes nothing: the log holds the greatest sequence that any client was given.",
      ],
      options: {
        "issued-before": { type: "string", value: "INSTANT", help: "RFC 3339; now unless said" },
        whole: { type: "string", value: "SEQUENCE", help: "take the log for whole, because it holds this" },
      },
      async run({ positionals, text }) {
        alone(positionals);
        const [sequence, issuedBefore] = [text("whole"), instantOf(text("issued-before"))];
        if (issuedBefore !== undefined && sequence !== undefined)
          throw new UsageError("--issued-before revokes and --whole revokes nothing: one of them");
        await withConfig(context, (config) =>
          sequence === undefined ? restoreFence(config, say, issuedBefore) : takeWhole(config, say, sequence),
        );
        return 0;
      },
    },
    rewrapCommand(context),
    doctorCommand(context),
  ];
}
