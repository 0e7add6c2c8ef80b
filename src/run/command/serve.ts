import { isatty } from "node:tty";

import { type Config, parseConfig } from "../../config.ts";
import type { Serving } from "../serve.ts";
import { explainFailure, UsageError } from "../start-failure.ts";
import { type CommandContext, sayFailure } from "./context.ts";
import { whatNext } from "./what-next.ts";

/** Milliseconds for which a worker that is signalled leaves the order of stopping to the process that started it. */
const PRECEDENCE = 250;

/** A wait for signals to stop. */
interface StopWatch {
  readonly stopping: boolean;
  /** Ends the wait: from then on a signal does what it does by itself. */
  end(): void;
}

/**
 * Stops at the first signal, and at the second without waiting any more.
 *
 * @param signals besides SIGTERM and SIGINT
 */
function stopAtSignals(
  context: CommandContext,
  config: Config,
  stopAll: () => Promise<void>,
  signals: readonly NodeJS.Signals[] = [],
): StopWatch {
  let stopping = false;
  const listeners = (["SIGTERM", "SIGINT", ...signals] as const).map((signal) => {
    const listener = () => {
      if (stopping) process.exit(1); // asked twice: somebody does not want to wait
      stopping = true;
      context.say(`bakehouse: stopping (${signal})`);
      stopAll().then(
        () => process.exit(0),
        async (error: unknown) => process.exit(await sayFailure(context, error, config)),
      );
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return {
    get stopping() {
      return stopping;
    },
    end() {
      for (const off of listeners) off();
    },
  };
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

/**
 * Serves as one of several workers: the process that started it says when to stop, and says why it does not serve. A
 * terminal or a supervisor that signals every process of a group must not make it stop twice, which would be at once.
 */
export async function serveAsWorker(context: CommandContext): Promise<void> {
  const [{ serve: start }, { slotOf }, { hearPrimary, sayFailed, sayNumbers, sayServing }] =
    await Promise.all([import("../serve.ts"), import("../worker-slots.ts"), import("../worker-messages.ts")]);
  let config: Config | undefined;
  const { starting, stop } = stoppable(async (signal) => {
    config = parseConfig(context.environment);
    return start(config, { worker: slotOf(context.environment), signal });
  });
  /** What it has counted must not go with it. */
  const sayLast = async () => {
    const numbers = await (await starting)?.lastNumbers();
    if (numbers !== undefined) await sayNumbers(numbers);
  };
  const end = (delay?: number) =>
    void stop(delay).then(
      () => sayLast().finally(() => process.exit(0)),
      // It served: nobody waits any more for why it does not.
      async (error: unknown) => process.exit(await sayFailure(context, error, config)),
    );
  hearPrimary({
    announce: () => void starting.then((serving) => serving?.announceStop()),
    leave: () => end(0),
    numbers: () =>
      void starting
        .then((serving) => serving?.numbers())
        .then((numbers) => numbers && sayNumbers(numbers))
        .catch(() => undefined), // it is asked again
    take: (connection) => void starting.then((serving) => serving?.take(connection)),
  });
  process.once("SIGTERM", () => setTimeout(end, PRECEDENCE));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
  try {
    if ((await starting) !== undefined) sayServing();
  } catch (error) {
    await sayFailed((await explainFailure(error, config)).lines);
    process.exit(1);
  }
}

/** Serves with several workers. */
export async function serveWith(count: number, config: Config, context: CommandContext): Promise<void> {
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
  const [{ startWorkers }, { createLogger }, { standardOutput }, { openWorkerMetrics }] = await Promise.all([
    import("../workers.ts"),
    import("../log.ts"),
    import("../output.ts"),
    import("./worker-metrics.ts"),
  ]);
  const log = createLogger(config.logLevel);
  const metrics = openWorkerMetrics(config.metrics, () => workers);
  const workers = startWorkers({
    count,
    port: config.port,
    host: config.host,
    delay: config.shutdownDelay,
    startWait: config.startWait,
    log,
    write: standardOutput().write,
    ...metrics.hears,
  });
  const watch = stopAtSignals(context, config, workers.stop);
  process.on("SIGHUP", () => void workers.restart());
  await workers.ready.catch((error: unknown) => {
    if (!watch.stopping) throw error;
  });
  try {
    const port = watch.stopping ? undefined : await metrics.listen();
    if (port !== undefined) log.info({ event: "metrics served", port });
  } catch (error) {
    await workers.stop().catch(() => undefined); // why it does not serve says more
    throw error;
  }
  if (!watch.stopping) context.say(`bakehouse: ready at ${config.publicUrl} (${count} workers)`);
}

/** Serves in this process. */
export async function serveAlone(settings: Config, context: CommandContext): Promise<void> {
  const { say, environment } = context;
  // A person who watches reads what it says of itself, and of the log what they must notice, unless they asked for more.
  const config =
    isatty(1) && !environment["LOG_LEVEL"] ? { ...settings, logLevel: "warn" as const } : settings;
  const [{ serve: start }, { createLogger }] = await Promise.all([
    import("../serve.ts"),
    import("../log.ts"),
  ]);
  // Heard from the beginning: as the first process of a container nothing else would end this one.
  const { starting, stop } = stoppable((signal) => start(config, { signal }));
  const hasTerminal = [0, 1, 2].some(isatty);
  const watch = stopAtSignals(context, config, () => stop(), hasTerminal ? ["SIGHUP"] : []);
  // Without a terminal that was closed it asks for new settings, which takes a new process.
  const hungUp = () =>
    createLogger(config.logLevel).warn({
      event: "hang-up ignored",
      detail: "settings are read at the start only: restart to change them",
    });
  if (!hasTerminal) process.on("SIGHUP", hungUp);
  const serving = await starting.catch((error: unknown) => {
    watch.end();
    process.off("SIGHUP", hungUp);
    throw error;
  });
  if (watch.stopping || serving === undefined) return;
  if (serving.bootstrapped !== undefined && "paths" in serving.bootstrapped) {
    for (const path of serving.bootstrapped.paths) say(`bakehouse: wrote ${path}`);
  }
  say(`bakehouse: ready at ${config.publicUrl}`);
  if (config.oidc.kind === "development") {
    say("bakehouse: anyone on this machine can sign in as anyone: this is the development identity provider");
  }
  for (const line of whatNext(config, environment, process.cwd())) say(line);
}
