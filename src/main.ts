#!/usr/bin/env node
import cluster from "node:cluster";
import { isatty } from "node:tty";

import { parseInstant } from "./caveats/values/instant.ts";
import type { ServerCommand } from "./cli/cli.ts";
import { ConfigError } from "./config/environment.ts";
import { type Config, parseConfig } from "./config.ts";
import { DomainError } from "./domain/parts/error.ts";
import { VERSION } from "./run/package.ts";
import type { Serving } from "./run/serve.ts";

class UsageError extends Error {}

/** Most workers of one service. */
const MOST_WORKERS = 64;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Reads the environment, and prints its warnings. */
function readConfig(): Config {
  const config = parseConfig(process.env);
  for (const warning of config.warnings) say(`bakehouse: warning: ${warning}`);
  return config;
}

/**
 * Stops at the first signal, and at the second without waiting any more.
 *
 * @param signals besides SIGTERM and SIGINT
 */
function stopAtSignals(
  stopAll: () => Promise<void>,
  signals: readonly NodeJS.Signals[] = [],
): { readonly stopping: boolean } {
  const state = { stopping: false };
  for (const signal of ["SIGTERM", "SIGINT", ...signals] as const) {
    process.on(signal, () => {
      if (state.stopping) process.exit(1); // asked twice: somebody does not want to wait
      state.stopping = true;
      say(`bakehouse: stopping (${signal})`);
      stopAll().then(() => process.exit(0), fail);
    });
  }
  return state;
}

/**
 * Begins to serve. Stopped before it does, it does not.
 *
 * @returns the outcome, undefined if it was stopped before; and how to stop it, with a delay of its own
 */
function stoppable(start: (signal: AbortSignal) => Promise<Serving>) {
  const wait = new AbortController();
  const starting = start(wait.signal).catch((error: unknown) => {
    if (wait.signal.aborted) return undefined;
    throw error;
  });
  return {
    starting,
    async stop(delay?: number): Promise<void> {
      wait.abort();
      await (await starting)?.stop(delay);
    },
  };
}

/** Milliseconds for which a worker that is signalled leaves the order of stopping to the process that started it. */
const PRECEDENCE = 250;

/**
 * Serves as one of several workers: the process that started it says when to stop. A terminal or a supervisor that signals
 * every process of a group must not make it stop twice, which would be at once.
 */
async function serveAsWorker(): Promise<void> {
  const [{ serve: start }, { slotOf }, { hearPrimary, sayServing }] = await Promise.all([
    import("./run/serve.ts"),
    import("./run/worker-slots.ts"),
    import("./run/worker-messages.ts"),
  ]);
  const { starting, stop } = stoppable((signal) =>
    start(parseConfig(process.env), { worker: slotOf(process.env), signal }),
  );
  const end = (delay?: number) => void stop(delay).then(() => process.exit(0), fail);
  hearPrimary({
    announce: () => void starting.then((serving) => serving?.announceStop()),
    leave: () => end(0),
    take: (connection) => void starting.then((serving) => serving?.take(connection)),
  });
  process.once("SIGTERM", () => setTimeout(end, PRECEDENCE));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  if ((await starting) !== undefined) sayServing();
}

async function serveWith(count: number): Promise<void> {
  const config = readConfig();
  if (config.databaseUrl === undefined) {
    throw new UsageError(
      "the embedded database belongs to one process: set DATABASE_URL to serve with several",
    );
  }
  if (config.oidc.kind === "development") {
    throw new UsageError(
      "the development identity provider remembers logins in one process: set OIDC_ISSUER to serve with several",
    );
  }
  const [{ startWorkers }, { createLogger }] = await Promise.all([
    import("./run/workers.ts"),
    import("./run/log.ts"),
  ]);
  const workers = startWorkers({
    count,
    port: config.port,
    host: config.host,
    delay: config.shutdownDelay,
    startWait: config.startWait,
    log: createLogger(config.logLevel),
    write: (lines) => process.stdout.write(lines),
  });
  const state = stopAtSignals(workers.stop);
  process.on("SIGHUP", () => void workers.restart());
  await workers.ready.catch((error: unknown) => {
    if (!state.stopping) throw error;
  });
  if (!state.stopping) say(`bakehouse: ready at ${config.publicUrl} (${count} workers)`);
}

async function serve(): Promise<void> {
  const config = readConfig();
  const [{ serve: start }, { createLogger }] = await Promise.all([
    import("./run/serve.ts"),
    import("./run/log.ts"),
  ]);
  // Heard from the beginning: as the first process of a container nothing else would end this one.
  const { starting, stop } = stoppable((signal) => start(config, { signal }));
  const hasTerminal = [0, 1, 2].some(isatty);
  const state = stopAtSignals(() => stop(), hasTerminal ? ["SIGHUP"] : []);
  // Without a terminal that was closed it asks for new settings, which takes a new process.
  if (!hasTerminal) {
    const log = createLogger(config.logLevel);
    const detail = "settings are read at the start only: restart to change them";
    process.on("SIGHUP", () => log.warn({ event: "hang-up ignored", detail }));
  }
  const serving = await starting;
  if (state.stopping || serving === undefined) return;
  if (serving.bootstrapped !== undefined && "paths" in serving.bootstrapped) {
    for (const path of serving.bootstrapped.paths) say(`bakehouse: wrote ${path}`);
  }
  say(`bakehouse: ready at ${config.publicUrl}`);
  if (config.oidc.kind === "development") {
    say("bakehouse: anyone on this machine can sign in as anyone: this is the development identity provider");
  }
}

async function migrate(): Promise<void> {
  const config = readConfig();
  const { migrateOnly } = await import("./run/migrate.ts");
  await migrateOnly(config);
  say("bakehouse: the schema is up to date");
}

async function bootstrap(reissue: boolean): Promise<void> {
  const config = readConfig();
  const { bootstrapOnly } = await import("./run/bootstrap.ts");
  const done = await bootstrapOnly(config, reissue);
  if (done.outcome === "there already") {
    say("bakehouse: bootstrapped before; --reissue writes new credentials");
  } else {
    for (const path of done.paths) say(`bakehouse: wrote ${path}`);
  }
}

async function takeWhole(sequence: string): Promise<void> {
  const config = readConfig();
  const { takeWholeOnly } = await import("./run/restore-fence.ts");
  const end = await takeWholeOnly(config, sequence);
  say(`bakehouse: the revocation log is whole and goes on from ${end}`);
}

async function restoreFence(instant: string | undefined): Promise<void> {
  const parsed = instant === undefined ? undefined : parseInstant(instant);
  if (instant !== undefined && parsed === undefined) {
    throw new UsageError("--issued-before takes an RFC 3339 instant, such as 2026-12-01T00:00:00Z");
  }
  const config = readConfig();
  const { restoreFenceOnly } = await import("./run/restore-fence.ts");
  // The whole second that is not before the instant: a fence must not leave out the instant that it names.
  const seconds = parsed && parsed.seconds + (parsed.fraction === "" ? 0 : 1);
  const fenced = await restoreFenceOnly(config, seconds && seconds * 1000);
  const until = new Date(fenced.issuedBefore).toISOString();
  say(`bakehouse: the revocation log has epoch ${fenced.epoch}`);
  say(`bakehouse: revoked what ${fenced.platforms.length} platforms had issued before ${until}`);
  say("bakehouse: API credentials among it; `bakehouse bootstrap --reissue` writes new ones");
}

function workersOf(text: string | undefined): number {
  if (text === undefined) return 1;
  if (!/^[1-9][0-9]?$/.test(text) || Number(text) > MOST_WORKERS) {
    throw new UsageError(`--workers takes a number from 1 to ${MOST_WORKERS}`);
  }
  return Number(text);
}

function alone(positionals: readonly string[]): void {
  if (positionals.length > 0) throw new UsageError("one command at a time; see bakehouse --help");
}

const SERVER: readonly ServerCommand[] = [
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
      if (cluster.isWorker) await serveAsWorker();
      else if (workers > 1) await serveWith(workers);
      else await serve();
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
      await migrate();
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
      await bootstrap(flag("reissue"));
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
      const [instant, sequence] = [text("issued-before"), text("whole")];
      if (instant !== undefined && sequence !== undefined)
        throw new UsageError("--issued-before revokes and --whole revokes nothing: one of them");
      await (sequence === undefined ? restoreFence(instant) : takeWhole(sequence));
      return 0;
    },
  },
];

async function run(args: readonly string[]): Promise<void> {
  // The reader of a command's output may stop reading: that is no failure of the command.
  process.stdout.on("error", (error: Error) => {
    process.exit("code" in error && error.code === "EPIPE" ? 0 : 1);
  });
  // Loaded apart from each other, so that neither a server nor a command line pays for the other.
  const [{ runCommandLine }, { processTerminal }] = await Promise.all([
    import("./cli/cli.ts"),
    import("./cli/process-terminal.ts"),
  ]);
  const terminal = processTerminal(process.env);
  process.exitCode = await runCommandLine(args, { terminal, server: SERVER, version: VERSION });
}

/** Errors made here have messages for people. A message of anyone else's may hold anything, so it is not printed. */
function explain(error: unknown): string {
  if (error instanceof ConfigError)
    return `the configuration is wrong\n${[...error.problems, ...error.warnings].map((p) => `  ${p}`).join("\n")}`;
  if (error instanceof UsageError || error instanceof DomainError) return error.message;
  if (!(error instanceof Error)) return "failed";
  if (["FolderLockedError", "LogRefusedError", "MigrationError", "SealingError"].includes(error.name))
    return error.message;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code?.startsWith("ERR_PARSE_ARGS")) return error.message;
  if (code === "EADDRINUSE") return "the port is in use: set PORT to another one";
  return code === undefined ? error.name : `${error.name} (${code})`;
}

function fail(error: unknown): void {
  say(`bakehouse: ${explain(error)}`);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isUsage =
    error instanceof ConfigError || error instanceof UsageError || code.startsWith("ERR_PARSE_ARGS");
  process.exit(isUsage ? 2 : 1);
}

run(process.argv.slice(2)).catch(fail);
