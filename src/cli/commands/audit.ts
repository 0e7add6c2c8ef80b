import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";

import {
  type AuditFilter,
  type AuditReport,
  type Bakehouse,
  BakehouseError,
  checkExport,
  checkService,
  type WatchedCheckpoint,
  type WatchOutcome,
  watchOnce,
} from "../../client/index.ts";
import { pause } from "../../client/transport.ts";
import { type Command, type Invocation, PAGE_OPTIONS, SERVICE_OPTIONS } from "../command.ts";
import { CommandError, EXIT, UsageError } from "../exit.ts";
import { onlyWords, pageRequest, readDuration } from "../input.ts";
import { configFolder } from "../login-file.ts";
import { printPage } from "../page.ts";
import { codeOf, readPrivate, writePrivate } from "../private-file.ts";
import { connect } from "../service.ts";
import { moment } from "../show.ts";
import { printJson, printJsonLine } from "../terminal.ts";

const COLUMNS = ["AT", "ACTION", "ACTOR", "PLATFORM", "LEAF", "DETAILS"];

/** Seconds between two looks of a watcher. */
const EVERY = 10;

/** Faults that are printed for people; --json has all. */
const MOST_SHOWN = 20;

/** Bytes of a file that holds one checkpoint. */
const MOST_STATE = 256 * 1024;

const FILTERS = {
  actor: { type: "string", value: "WHO", help: "a subject, a credential's token id, a role or a kind" },
  principal: { type: "string", value: "ID", help: "a principal's id, or a subject" },
  agent: { type: "string", value: "AGENT", help: "an agent's name" },
  "token-id": { type: "string", value: "ID", help: "a root macaroon's" },
  "revocation-id": { type: "string", value: "ID", help: "a link's" },
  action: { type: "string", value: "ACTION", help: "such as token.issued" },
  platform: { type: "string", short: "p", value: "NAME", help: "only this platform's" },
  from: { type: "string", value: "INSTANT", help: "not before, such as 2026-11-22T13:00:00Z" },
  to: { type: "string", value: "INSTANT", help: "before" },
} as const;

export const auditCommand: Command = {
  name: "audit",
  usage: "list | export | verify [FILE] | watch",
  summary: "list the audit log, export it, check it, or watch over it",
  details: [
    "export: prints lines of JSON that anybody can check without the service: redirect them into a file.",
    "verify: checks the service's log, or with FILE an export alone, and names the first event that was changed or removed. With --key, the key that you wrote down is the one that counts.",
    "watch: follows the checkpoints, keeps the last one in a file of yours, and ends with 3 where the log forks or is rolled back, as by a restored backup.",
  ],
  words: ["list", "export", "verify", "watch"],
  options: {
    ...SERVICE_OPTIONS,
    ...PAGE_OPTIONS,
    ...FILTERS,
    key: { type: "string", multiple: true, value: "KEY", help: "verify: a key of checkpoints that you know" },
    state: { type: "string", value: "FILE", help: "watch: where the last checkpoint is kept" },
    every: { type: "string", value: "DURATION", help: "watch: between two looks; 10s unless said" },
    once: { type: "boolean", help: "watch: look once" },
  },
  async run(invocation) {
    const [word] = invocation.positionals;
    onlyWords(invocation, word === "verify" ? 2 : 1);
    switch (word) {
      case "list":
        return list(invocation);
      case "export":
        return exportLines(invocation);
      case "verify":
        return verify(invocation);
      case "watch":
        return watch(invocation);
      default:
        throw new UsageError("say audit list, audit export, audit verify or audit watch");
    }
  },
};

function filterOf({ text }: Invocation): AuditFilter {
  const given = Object.keys(FILTERS).map((option) => [option.replace("-", "_"), text(option)]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

async function list(invocation: Invocation): Promise<number> {
  const client = await connect(invocation);
  const request = { ...filterOf(invocation), ...pageRequest(invocation) };
  const page = await client.audit.list(request, { signal: invocation.terminal.signal });
  return printPage(invocation, page, COLUMNS, ({ at, action, actor, platform, leaf, details }) => [
    moment(at),
    action,
    actor.subject ?? actor.role ?? actor.kind,
    platform ?? "",
    leaf === undefined ? "" : String(leaf.index),
    JSON.stringify(details),
  ]);
}

async function exportLines(invocation: Invocation): Promise<number> {
  const { terminal } = invocation;
  const client = await connect(invocation);
  let last: unknown;
  for await (const line of client.audit.export(filterOf(invocation), { signal: terminal.signal })) {
    last = parsed(line);
    printJsonLine(terminal, last);
  }
  if (typeof last === "object" && last !== null && "kind" in last && last.kind === "end") return EXIT.done;
  throw new CommandError(EXIT.unavailable, "the export broke off before its end");
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(EXIT.unavailable, "the export broke off in the middle of a line");
  }
}

async function verify(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals, texts } = invocation;
  const [, file] = positionals;
  const keys = texts("key");
  if (Object.keys(filterOf(invocation)).length > 0) {
    throw new UsageError("verify takes no filter: it looks at all that there is");
  }
  const report =
    file === undefined
      ? await checkService((await connect(invocation)).audit, keys, { signal: terminal.signal })
      : await checkExport(linesOf(file), keys);
  if (json) printJson(terminal, reportJson(report));
  else explain(invocation, report, keys.length > 0);
  return report.faults.length === 0 ? EXIT.done : EXIT.refused;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch((error: unknown) => {
    throw new UsageError(`cannot read the export from that file (${codeOf(error)})`);
  });
  try {
    for await (const line of file.readLines()) yield line;
  } finally {
    await file.close();
  }
}

function reportJson({ faults, events, waiting, dropped, isWhole, trees }: AuditReport) {
  return {
    ok: faults.length === 0,
    events,
    waiting,
    dropped,
    whole: isWhole,
    trees: trees.map(({ number, checkpoint, key }) => ({
      number,
      origin: checkpoint.origin,
      size: checkpoint.size,
      key,
    })),
    faults: faults.map(({ kind, tree, index, detail }) => ({
      kind,
      ...(tree !== undefined && { tree }),
      ...(index !== undefined && { index }),
      detail,
    })),
  };
}

function explain({ terminal }: Invocation, report: AuditReport, isKeyKnown: boolean): void {
  const { faults, events, dropped, waiting, isWhole, trees } = report;
  for (const { detail } of faults.slice(0, MOST_SHOWN)) terminal.print(detail);
  if (faults.length > MOST_SHOWN) terminal.say(`bakehouse: and ${faults.length - MOST_SHOWN} more`);
  if (faults.length > 0) return;
  terminal.print(`${events} events are as they were recorded${isWhole ? ", and none is missing" : ""}`);
  if (dropped > 0) terminal.print(`${dropped} were dropped by retention, as the log says`);
  if (waiting > 0) terminal.say(`bakehouse: ${waiting} are under no checkpoint yet`);
  for (const { checkpoint, key } of trees) {
    terminal.say(`bakehouse: ${checkpoint.size} leaves under ${key}`);
  }
  if (!isKeyKnown) terminal.say("bakehouse: is that the key that you wrote down? --key KEY holds it to that");
}

async function watch(invocation: Invocation): Promise<number> {
  const { terminal, text, flag } = invocation;
  const every = readDuration(text("every"), "every") ?? EVERY;
  const client = await connect(invocation);
  const file = text("state") ?? stateFile(invocation, client.origin);
  let seen = await loadSeen(invocation, file);
  for (;;) {
    const outcome = await look(invocation, client, seen);
    if (outcome !== undefined) {
      tell(invocation, outcome, seen);
      if (!outcome.ok) return EXIT.refused;
      if (outcome.seen.checkpoint !== seen?.checkpoint) {
        await writePrivate(file, `${JSON.stringify(outcome.seen, null, 2)}\n`, true);
      }
      seen = outcome.seen;
    }
    if (flag("once")) return outcome === undefined ? EXIT.unavailable : EXIT.done;
    await pause(every * 1000, terminal.signal);
  }
}

/** Looks once; undefined if there was no answer, which says nothing about the log. */
async function look(
  { terminal, flag }: Invocation,
  client: Bakehouse,
  seen: WatchedCheckpoint | undefined,
): Promise<WatchOutcome | undefined> {
  try {
    return await watchOnce(client.audit, seen, { signal: terminal.signal });
  } catch (error) {
    const passing = ["unreachable", "timeout", "unavailable", "rate_limited", "bad_answer"];
    if (!(error instanceof BakehouseError) || !passing.includes(error.code) || flag("once")) throw error;
    terminal.say(`bakehouse: no answer (${error.message}); trying again`);
    return undefined;
  }
}

function tell(
  { terminal, json }: Invocation,
  outcome: WatchOutcome,
  seen: WatchedCheckpoint | undefined,
): void {
  if (!outcome.ok) {
    if (json) printJsonLine(terminal, outcome);
    else terminal.print(`${outcome.kind.toUpperCase()}: ${outcome.detail}`);
    return;
  }
  if (outcome.seen.checkpoint === seen?.checkpoint) return;
  const { origin, size, isNewTree } = outcome;
  if (json) printJsonLine(terminal, { ok: true, origin, size, new_tree: isNewTree });
  else terminal.print(`${isNewTree ? "a new tree was begun: " : ""}${origin} has ${size} leaves`);
}

/** One file for each service. */
function stateFile({ terminal }: Invocation, origin: string): string {
  const name = createHash("sha256").update(origin).digest("hex").slice(0, 16);
  return join(configFolder(terminal), `checkpoint-${name}.json`);
}

async function loadSeen({ terminal }: Invocation, file: string): Promise<WatchedCheckpoint | undefined> {
  const text = await readPrivate(file, { hasModes: terminal.platform !== "win32", most: MOST_STATE });
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "key" in value && "checkpoint" in value) {
      const { key, checkpoint } = value;
      if (typeof key === "string" && typeof checkpoint === "string") return { key, checkpoint };
    }
  } catch {
    // Told below: to begin anew without a word would forget all that was seen.
  }
  throw new CommandError(EXIT.failed, `${file} is damaged: what was seen is lost; remove it to begin anew`);
}
