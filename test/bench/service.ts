import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { builtBundle } from "../support/process-bundle.ts";
import { freePort } from "../support/process-service.ts";
import { type Server, startServer } from "./processes.ts";

/** A folder of this run's own. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The service under test, with a platform whose word is taken for principals. */
export interface Service extends Server {
  readonly platformToken: string;
  /** Asks as the platform. @throws Error for any status but the expected */
  call<T>(path: string, body: object, status: number): Promise<T>;
  issue(): Promise<string>;
}

/** Starts a service with the embedded database, or on a server's. */
export async function startService(
  options: {
    readonly databaseUrl?: string;
    /** Whether a service was started on the database before: new credentials are written. */
    readonly reuse?: boolean;
    /** A data folder that is kept; a new one where undefined. */
    readonly dataDir?: string;
    readonly args?: readonly string[];
    /** Settings of the engine, as `--max-semi-space-size=8`. */
    readonly engine?: readonly string[];
    readonly cores?: string;
    /** Another build than that of these sources. */
    readonly script?: string;
    /** Settings besides. */
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Service> {
  const { dataDir = scratch(), script = builtBundle() } = options;
  const port = await freePort();
  const env = {
    DATA_DIR: dataDir,
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ...options.env,
    ...(options.databaseUrl === undefined
      ? {}
      : {
          DATABASE_URL: options.databaseUrl,
          MASTER_KEY: Buffer.alloc(32, 7).toString("base64url"),
          // Nobody asks it: what is measured is a service as it runs in earnest.
          OIDC_ISSUER: "https://issuer.example",
          OIDC_CLIENT_ID: "bakehouse",
          OIDC_CLIENT_SECRET: "unused",
        }),
  };
  if (options.databaseUrl !== undefined) {
    const made = spawnSync(process.execPath, [script, "bootstrap", ...(options.reuse ? ["--reissue"] : [])], {
      env: { ...process.env, ...env },
    });
    if (made.status !== 0) throw new Error(`bootstrap failed: ${made.stderr.toString()}`);
  }
  const args = [...(options.engine ?? []), script, "serve", ...(options.args ?? [])];
  const server = await startServer(port, args, env, options.cores);
  const token = (file: string) => readFileSync(join(dataDir, file), "utf8").trim();

  async function send<T>(method: string, path: string, as: string, body: object, status: number): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status !== status) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
  const platformToken = token("default.token");
  const policy = { rules: [{ max_ttl: 86_400, on_behalf_of: true }] };
  await send("PUT", "/v1/platforms/default/policy", token("admin.token"), policy, 200);
  return {
    ...server,
    platformToken,
    call: (path, body, status) => send("POST", path, platformToken, body, status),
    async issue() {
      const asked = { platform: "default", on_behalf_of: { subject: "alice" } };
      const issued = await send<{ token: string }>("POST", "/v1/tokens", platformToken, asked, 201);
      return issued.token;
    },
  };
}
