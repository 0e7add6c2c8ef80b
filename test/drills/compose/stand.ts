import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { DEPLOY } from "../../deploy/files.ts";
import { readManual } from "../../support/manual.ts";
import { docker, type Said, say } from "./engine.ts";
import type { HostIssuer } from "./issuer.ts";

/** Of its own: nothing of an operator's is removed at the end. */
export const PROJECT = "bakehouse-drill";
/** The origin of a proxy on this machine that ends TLS. */
export const PUBLIC_URL = "https://tokens.example.com";
export const SERVICE = "http://127.0.0.1:8080";

/** A folder as src/deploy/README.md has one made, and the containers that run from it. */
export interface ComposeStand {
  readonly folder: string;
  /** Runs the commands below a marker of src/deploy/README.md, as they stand there. @throws Error if one fails */
  follow(marker: string): Promise<string>;
  /** Asks Compose. */
  compose(...args: readonly string[]): Promise<Said>;
  /** Writes another image, and other settings, into the file that Compose reads. */
  use(image: string, settings?: readonly string[]): void;
  /** The id of a service's container. */
  container(service: string): Promise<string>;
  /** A value of a service's container, by a template of Docker's. */
  inspect(service: string, template: string): Promise<string>;
  /** Runs a command in a service's container. */
  inside(service: string, ...command: readonly string[]): Promise<Said>;
  /** Waits for a state of the health check. @returns milliseconds, infinite for longer than two minutes */
  untilHealth(state: "healthy" | "unhealthy"): Promise<number>;
  /** The secrets that the folder has. */
  secrets(): ReadonlyMap<string, string>;
  remove(): Promise<void>;
}

/** @param command how Compose is called */
export function openComposeStand(
  command: readonly string[],
  issuer: HostIssuer,
  image: string,
): ComposeStand {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-compose-"));
  const readme = readManual("src/deploy/README.md");
  copyFileSync(join(DEPLOY, "compose.yaml"), join(folder, "compose.yaml"));
  const named = {
    extra_hosts: [`${issuer.host}:host-gateway`],
    environment: { NODE_EXTRA_CA_CERTS: "/run/authority.crt" },
    volumes: [`${issuer.authority}:/run/authority.crt:ro`],
  };
  const override = { services: { migrate: named, bakehouse: named } };
  writeFileSync(join(folder, "compose.override.yaml"), JSON.stringify(override));

  const use = (chosen: string, settings: readonly string[] = []) =>
    writeFileSync(
      join(folder, ".env"),
      [
        `COMPOSE_PROJECT_NAME=${PROJECT}`,
        `BAKEHOUSE_IMAGE=${chosen}`,
        `PUBLIC_URL=${PUBLIC_URL}`,
        `OIDC_ISSUER=${issuer.issuer}`,
        "OIDC_CLIENT_ID=bakehouse",
        ...settings,
        "",
      ].join("\n"),
    );
  use(image);

  // Compose's first version is a command of its own, and wants a terminal unless told; a superuser needs no sudo.
  const prelude = [
    "set -eu",
    process.getuid?.() === 0 ? 'sudo() { "$@"; }' : "",
    command.length === 1
      ? 'docker() { if [ "$1" != compose ]; then command docker "$@"; elif [ "$2" = exec ]; then shift 2; docker-compose exec -T "$@"; else shift; docker-compose "$@"; fi; }'
      : "",
  ].join("\n");
  const [program = "", ...before] = command;
  const compose = (...args: readonly string[]) => say(program, [...before, ...args], { cwd: folder });

  async function container(service: string): Promise<string> {
    const { stdout } = await compose("ps", "--all", "--quiet", service);
    const { stdout: first } = stdout.trim() === "" ? await compose("ps", "--quiet", service) : { stdout };
    return first.trim();
  }
  const inspect = async (service: string, template: string) =>
    docker("inspect", "--format", template, await container(service));

  return {
    folder,
    async follow(marker) {
      // Compose puts the project's name before those of its networks.
      const commands = readme.code(marker).replaceAll(" bakehouse_", ` ${PROJECT}_`);
      const { ok, output } = await say("bash", ["-c", `${prelude}\n${commands}`], {
        cwd: folder,
        env: { CLIENT_SECRET: "the-secret-of-a-client" },
      });
      if (!ok) throw new Error(`the commands at ${marker} failed: ${output.slice(-2_000)}`);
      return output;
    },
    compose,
    use,
    container,
    inspect,
    inside: async (service, ...args) => say("docker", ["exec", await container(service), ...args]),
    async untilHealth(state) {
      const begun = performance.now();
      while (performance.now() - begun < 120_000) {
        if ((await inspect("bakehouse", "{{.State.Health.Status}}").catch(() => "")) === state)
          return performance.now() - begun;
        await pause(250);
      }
      return Number.POSITIVE_INFINITY;
    },
    secrets() {
      const names = ["database-password", "database-url", "master-key", "oidc-client-secret"];
      return new Map(names.map((name) => [name, readFileSync(join(folder, "secrets", name), "utf8").trim()]));
    },
    async remove() {
      await compose("down", "--volumes", "--timeout", "20");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
