#!/usr/bin/env node
import { parseArgs } from "node:util";

import { parseInstant } from "./caveats/instant.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { DomainError } from "./domain/error.ts";
import { VERSION } from "./run/package.ts";

const HELP = `bakehouse ${VERSION}: macaroons for AI agents

  bakehouse serve                   answer requests until stopped
  bakehouse migrate                 bring the database's schema up to date
  bakehouse bootstrap [--reissue]   make the first platform and its credentials, once;
                                    --reissue writes new credentials for it
  bakehouse restore-fence [--issued-before INSTANT]
                                    after restoring a database: give the revocation log a new
                                    epoch and revoke all that was issued before (now unless said)
  bakehouse --version
  bakehouse --help

Everything else is set by environment variables: README has the table.
Exit codes: 0 done, 1 failed, 2 the command or the configuration is wrong.
`;

class UsageError extends Error {}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function serve(): Promise<void> {
  const config = parseConfig(process.env);
  const { serve: start } = await import("./run/serve.ts");
  const serving = await start(config);
  if (serving.bootstrapped !== undefined && "paths" in serving.bootstrapped) {
    for (const path of serving.bootstrapped.paths) say(`bakehouse: wrote ${path}`);
  }
  say(`bakehouse: ready at ${config.publicUrl}`);
  if (config.oidc.kind === "development") {
    say("bakehouse: anyone on this machine can sign in as anyone: this is the development identity provider");
  }

  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) process.exit(1); // asked twice: somebody does not want to wait
    stopping = true;
    say(`bakehouse: stopping (${signal})`);
    serving.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

async function migrate(): Promise<void> {
  const config = parseConfig(process.env);
  const { migrateOnly } = await import("./run/migrate.ts");
  await migrateOnly(config);
  say("bakehouse: the schema is up to date");
}

async function bootstrap(reissue: boolean): Promise<void> {
  const config = parseConfig(process.env);
  const { bootstrapOnly } = await import("./run/bootstrap.ts");
  const done = await bootstrapOnly(config, reissue);
  if (done.outcome === "there already") {
    say("bakehouse: bootstrapped before; --reissue writes new credentials");
  } else {
    for (const path of done.paths) say(`bakehouse: wrote ${path}`);
  }
}

async function restoreFence(instant: string | undefined): Promise<void> {
  const parsed = instant === undefined ? undefined : parseInstant(instant);
  if (instant !== undefined && parsed === undefined) {
    throw new UsageError("--issued-before takes an RFC 3339 instant, such as 2026-12-01T00:00:00Z");
  }
  const config = parseConfig(process.env);
  const { restoreFenceOnly } = await import("./run/restore-fence.ts");
  // The whole second that is not before the instant: a fence must not leave out what it names.
  const seconds = parsed && parsed.seconds + (parsed.fraction === "" ? 0 : 1);
  const fenced = await restoreFenceOnly(config, seconds && seconds * 1000);
  const until = new Date(fenced.issuedBefore).toISOString();
  say(`bakehouse: the revocation log has epoch ${fenced.epoch}`);
  say(`bakehouse: revoked what ${fenced.platforms.length} platforms had issued before ${until}`);
  say("bakehouse: API credentials among it; `bakehouse bootstrap --reissue` writes new ones");
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
      reissue: { type: "boolean" },
      "issued-before": { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.version) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`one command at a time; see bakehouse --help`);
  if (values.reissue && command !== "bootstrap") throw new UsageError("--reissue goes with bootstrap");
  const issuedBefore = values["issued-before"];
  if (issuedBefore !== undefined && command !== "restore-fence") {
    throw new UsageError("--issued-before goes with restore-fence");
  }
  switch (command) {
    case "serve":
      return serve();
    case "migrate":
      return migrate();
    case "bootstrap":
      return bootstrap(values.reissue ?? false);
    case "restore-fence":
      return restoreFence(issuedBefore);
    default:
      throw new UsageError("say serve, migrate, bootstrap or restore-fence; see bakehouse --help");
  }
}

/** Errors made here have messages for people. A message of anyone else's may hold anything, so it is not printed. */
function explain(error: unknown): string {
  if (error instanceof ConfigError)
    return `the configuration is wrong\n${error.problems.map((p) => `  ${p}`).join("\n")}`;
  if (error instanceof UsageError || error instanceof DomainError) return error.message;
  if (!(error instanceof Error)) return "failed";
  if (["FolderLockedError", "MigrationError", "SealingError"].includes(error.name)) return error.message;
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
