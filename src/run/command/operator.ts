import type { ServerCommand } from "../../cli/cli.ts";
import type { RewrapProgress, Rewrapped, SealedTable } from "../../domain/upkeep/rewrap.ts";
import { StartFailure } from "../start-failure.ts";
import { alone } from "./alone.ts";
import { type CommandContext, withConfig } from "./context.ts";

/** Milliseconds between two lines of progress. */
const PACE = 2_000;

const FAILED = 1;

/** `bakehouse doctor`: looks at all that the service needs. */
export function doctorCommand({ environment, node, say }: CommandContext): ServerCommand {
  return {
    name: "doctor",
    usage: "",
    summary: "look whether all is there that the service needs",
    details: [
      "Reads the settings as serve does, and looks at the database, its rights, clocks, the log, the keys, the issuer and the webhook.",
      "Changes nothing. One line for each, with what to do; ends with 1 if one of them failed.",
    ],
    options: {},
    async run({ positionals, json, terminal }) {
      alone(positionals);
      const [{ examine }, { findingText }] = await Promise.all([
        import("../operator/doctor.ts"),
        import("../operator/finding.ts"),
      ]);
      const checks = await examine({ environment, node });
      const failed = checks.filter(({ state }) => state === "failed").length;
      if (json) terminal.print(JSON.stringify({ ok: failed === 0, checks }));
      else for (const finding of checks) terminal.print(findingText(finding));
      if (failed > 0) say(`bakehouse: ${failed} of ${checks.length} checks failed`);
      return failed === 0 ? 0 : FAILED;
    },
  };
}

/** `bakehouse rewrap`: seals under the present master key what the previous one has sealed. */
export function rewrapCommand(context: CommandContext): ServerCommand {
  const { say } = context;
  return {
    name: "rewrap",
    usage: "",
    summary: "seal all that is sealed under the present master key",
    details: [
      "Run it once all replicas have the new MASTER_KEY, with the old one as MASTER_KEY_PREVIOUS. They go on serving meanwhile.",
      "It can be stopped and run again at any time, and says when the previous key may be dropped; ends with 1 where it may not.",
    ],
    options: {},
    async run({ positionals, json, terminal }) {
      alone(positionals);
      let done: Rewrapped | undefined;
      const { CONTENTS } = await import("../operator/master-key.ts");
      const tell = teller(CONTENTS, say);
      await withConfig(context, async (config) => {
        const { rewrapOnly } = await import("../operator/rewrap.ts");
        done = await rewrapOnly(config, tell);
      });
      if (done === undefined) {
        say("bakehouse: there is no master key yet, and nothing that is sealed");
        return 0;
      }
      const unopened = Object.fromEntries(done.unopened);
      const isDone = done.unopened.size === 0 && !done.isOutrun;
      if (json) terminal.print(JSON.stringify({ done: isDone, resealed: done.resealed, unopened }));
      if (!isDone) throw new StartFailure(obstacles(done, CONTENTS), FAILED);
      say(`bakehouse: all is sealed under MASTER_KEY: ${done.resealed} values were not before`);
      say(
        "bakehouse: MASTER_KEY_PREVIOUS may be dropped, if all replicas have the new MASTER_KEY; keep the old key as long as backups from its time",
      );
      return 0;
    },
  };
}

/** Tells of progress, every now and then. */
function teller(names: Readonly<Record<SealedTable, string>>, say: CommandContext["say"]) {
  let last = performance.now();
  return ({ table, seen, of, resealed }: RewrapProgress): void => {
    if (performance.now() - last < PACE) return;
    last = performance.now();
    say(
      `bakehouse: ${names[table]}: ${seen} of about ${of} looked at; ${resealed} values sealed anew so far`,
    );
  };
}

function obstacles(
  { unopened, isOutrun, resealed }: Rewrapped,
  names: Readonly<Record<SealedTable, string>>,
): readonly string[] {
  const shut = [...unopened].map(
    ([table, count]) =>
      `${count} ${names[table]} open under neither MASTER_KEY nor MASTER_KEY_PREVIOUS: keep the key that they were made with, and set it as MASTER_KEY_PREVIOUS`,
  );
  const outrun = isOutrun
    ? [
        "a replica still seals under the previous key: give all of them the new MASTER_KEY, and run this again",
      ]
    : [];
  return [
    `${resealed} values were sealed anew, and MASTER_KEY_PREVIOUS must not be dropped yet`,
    ...shut,
    ...outrun,
  ];
}
