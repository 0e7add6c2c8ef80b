import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { copyEmbedded } from "./embedded-template.ts";
import { type Running, run } from "./process.ts";
import { noteSecret } from "./process-logs.ts";
import { scratchFolder } from "./scratch.ts";

/** Where a service keeps everything, so that it can be started again on the same data. */
export interface Home {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Removes the data folder. */
  remove(): void;
}

/** A new data folder, and the settings of a service that uses it, with the embedded database or a server's. */
export function newHome(databaseUrl?: string): Home {
  const dataDir = scratchFolder("home");
  const masterKey = randomBytes(32).toString("base64url");
  noteSecret(masterKey);
  return {
    dataDir,
    env: {
      DATA_DIR: dataDir,
      LOG_LEVEL: "trace",
      MASTER_KEY: masterKey,
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl, OIDC_ISSUER: "development" }),
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/**
 * The pool of a service on a server whose throughput is not what is tested. A session costs a twentieth of a second, as much as
 * thirty requests, and a pool opens as many as there are statements at once. Three are enough for a race.
 */
export const SMALL_POOL = { DATABASE_POOL: "3" } as const;

/** As {@link newHome} with the embedded database, which is there already: its first start takes seconds. */
export async function newEmbeddedHome(): Promise<Home> {
  const home = newHome();
  await copyEmbedded(join(home.dataDir, "database"));
  return home;
}

/** A service in a process of its own. */
export interface RunningService extends Running {
  readonly url: string;
  readonly port: number;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

/**
 * Starts a service and waits until it is ready.
 *
 * @param script the bundle
 * @param isMute whether its log is thrown away
 * @throws Error with the end of what it said, where it does not come up
 */
export async function startService(
  script: string,
  home: Home,
  env: Readonly<Record<string, string>> = {},
  isMute = false,
): Promise<RunningService> {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const running = run(script, ["serve"], { env: { ...home.env, PORT: String(port), ...env }, isMute });
    try {
      await running.said("bakehouse: ready");
      return { ...running, port, url: `http://127.0.0.1:${port}` };
    } catch (error) {
      await running.end("SIGKILL");
      // Somebody else took the port between its choice and its use.
      if (attempt === 3 || !running.stderr().includes("the port is in use")) throw error;
    }
  }
}

/** The credential that a first start left in a file of its data folder. */
export function credential(home: Home, file: "admin.token" | "default.token"): string {
  const token = readFileSync(join(home.dataDir, file), "utf8").trim();
  noteSecret(token);
  return token;
}
