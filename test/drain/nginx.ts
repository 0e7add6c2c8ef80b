import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { freePort } from "../support/process-service.ts";

/** A proxy in front of services. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx's own words for its version; undefined if it is not installed. */
export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync("nginx", ["-v"], { encoding: "utf8" });
  return status === 0 ? stderr.trim() : undefined;
}

function configuration(folder: string, port: number, upstreams: readonly number[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => {
    mkdirSync(join(folder, name));
    return `${name}_temp_path ${join(folder, name)};`;
  });
  return `
    daemon off;
    worker_processes 1;
    pid ${join(folder, "pid")};
    error_log ${join(folder, "error.log")} warn;
    events { worker_connections 512; }
    http {
      access_log off;
      ${temporary.join(" ")}
      upstream bakehouse {
        ${upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=0;`).join(" ")}
        keepalive 16;
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://bakehouse;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $host;
        }
      }
    }`;
}

/** Starts nginx in front of services on 127.0.0.1, with connections that it keeps. */
export async function startNginx(upstreams: readonly number[]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-nginx-"));
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, port, upstreams));
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  process.once("exit", () => child.kill("SIGKILL"));
  for (let time = 0; !(await listens(port)); time++) {
    if (time === 200 || child.exitCode !== null) throw new Error("nginx did not start");
    await pause(25);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGQUIT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
