import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { type Client, createClient } from "../support/process-client.ts";
import {
  credential,
  type Home,
  newEmbeddedHome,
  newHome,
  type RunningService,
  SMALL_POOL,
  startService,
} from "../support/process-service.ts";
import { readTables, type Tables } from "./tables.ts";

/** A service that can be killed and started again on the same data, as often as it takes. */
export interface Place {
  readonly home: Home;
  /** @param dieAt the step at which it dies, during the start already */
  start(dieAt?: string): Promise<Live>;
  /** Runs `bootstrap` or `reissue` and returns what came of it: the outcome, or the signal that ended it. */
  command(name: "bootstrap" | "reissue", dieAt?: string): Promise<string>;
  /** What the tables hold. With the embedded database only while no service runs. */
  tables(): Promise<Tables>;
  /** Whether {@link tables} can be had while a service runs. */
  readonly canLookInside: boolean;
}

/** A running service with its credential. */
export interface Live {
  readonly service: RunningService;
  readonly api: Client;
  /** The credential of platform `default`. */
  readonly platform: { readonly token: string };
  readonly administrator: { readonly token: string };
  /** Tells the service to die at a step. */
  dieAt(step: string): Promise<void>;
  /** Moves the database's clock onward, for this service and all later ones here. */
  shift(milliseconds: number): Promise<void>;
}

/** @param databaseUrl of an empty database; undefined for the embedded one */
export async function newPlace(databaseUrl: string | undefined): Promise<Place> {
  const script = builtBundle("test/crash/child.ts");
  const home = databaseUrl === undefined ? await newEmbeddedHome() : newHome(databaseUrl);
  let shifted = 0;

  async function tell(service: RunningService, line: string): Promise<void> {
    service.say(line);
    await service.said(`drill: ${line}`);
  }

  const env = (dieAt: string | undefined) => ({
    ...home.env,
    ...(databaseUrl === undefined ? {} : SMALL_POOL),
    DRILL_SHIFT: String(shifted),
    ...(dieAt === undefined ? {} : { DRILL_DIE_AT: dieAt }),
  });

  return {
    home,
    canLookInside: databaseUrl !== undefined,
    async start(dieAt) {
      const service = await startService(script, home, env(dieAt));
      return {
        service,
        api: createClient(service.url),
        platform: { token: credential(home, "default.token") },
        administrator: { token: credential(home, "admin.token") },
        dieAt: (step) => tell(service, `die at=${step}`),
        async shift(milliseconds) {
          shifted += milliseconds;
          await tell(service, `shift=${shifted}`);
        },
      };
    },
    async command(name, dieAt) {
      const running = run(script, [name], { env: env(dieAt) });
      const { code, signal } = await running.ended;
      if (code === 0) return running.stderr().match(/drill: (.+)/)?.[1] ?? "";
      if (signal !== null) return signal;
      throw new Error(`${name} failed: ${running.stderr().slice(-1_000)}`);
    },
    tables: () => readTables(home, databaseUrl),
  };
}
