import { parseConfig } from "../../src/config.ts";
import { serve } from "../../src/run/serve.ts";
import { testDatabaseUrl } from "./database.ts";
import { ownCommand } from "./own-command.ts";
import { credential, freePort, type Home, newHome, SMALL_POOL } from "./process-service.ts";
import { reach } from "./reach.ts";

/** A service in this process with all that the command gives one: settings, a port, the provider for development. */
export interface OwnService {
  readonly url: string;
  /** Where its credentials are. */
  readonly dataDir: string;
  /** The credential that its bootstrap wrote. */
  credential(file: "admin.token" | "default.token"): string;
  stop(): Promise<void>;
}

/**
 * Bootstraps a service on a database of the run's server and starts it here: a process of its own, on an embedded database,
 * costs far more, and shows more only where the process is what is tested.
 */
export async function startOwnService(env: Readonly<Record<string, string>> = {}): Promise<OwnService> {
  const home: Home = newHome(reach(await testDatabaseUrl()).owner);
  const port = await freePort();
  const settings = { ...home.env, ...SMALL_POOL, LOG_LEVEL: "silent", PORT: String(port), ...env };
  const { code, said } = await ownCommand(["bootstrap"], settings);
  if (code !== 0) throw new Error(`bootstrap failed: ${said.join("; ")}`);
  const globals = Object.getOwnPropertyDescriptors(globalThis);
  const serving = await serve(parseConfig(settings));
  // Hono puts its own over these, for a process that does nothing else: a client that runs beside it would not know them.
  for (const name of ["Request", "Response"] as const) Object.defineProperty(globalThis, name, globals[name]);
  return {
    url: `http://127.0.0.1:${port}`,
    dataDir: home.dataDir,
    credential: (file) => credential(home, file),
    async stop() {
      await serving.stop(0);
      home.remove();
    },
  };
}
