import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { attenuate, decodeBundle, encode } from "../../src/macaroon/index.ts";
import { endAll, run } from "../support/process.ts";
import {
  credential,
  type Home,
  newHome,
  type RunningService,
  startService,
} from "../support/process-service.ts";

/** Hands a token on offline: names the next holder and narrows it. */
export function hand(token: string, agent: string, caveat: string): string {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(`not a token: ${decoded.code}`);
  // Two identical delegations would be one link, and be revoked together.
  const instance = randomBytes(9).toString("base64url");
  return encode(attenuate(decoded.macaroons[0], [`agent = ${agent}#${instance}`, caveat]));
}

/** A root macaroon handed on five times, with two caveats each time. */
export function depthFive(root: string): string {
  return [
    "action in read, list",
    "resource matches repo:acme/web/**",
    "args.pages <= 20",
    "resource matches repo:acme/web/**.md",
    `time < ${new Date(Date.now() + 600_000).toISOString()}`,
  ].reduce((token, caveat, index) => hand(token, `agent-${index + 1}`, caveat), root);
}

/** Makes all that the story needs, and takes it down again. */
export interface House {
  /** In words. */
  readonly database: string;
  start(): Promise<{ readonly url: string; readonly credential: string }>;
  /** Stops the service and removes its data, once; later calls wait for the first. */
  close(): Promise<void>;
}

/** A data folder of its own, or also a database of its own on the server that `DATABASE_URL` names. Made at the start. */
export function openHouse(bundle: string): House {
  const server = process.env["DATABASE_URL"] || undefined;
  const name = `bakehouse_demo_${randomBytes(6).toString("hex")}`;
  let home: Home | undefined;
  let starting: Promise<RunningService> | undefined;
  let closing: Promise<void> | undefined;

  async function start(): Promise<RunningService> {
    home = newHome(server === undefined ? undefined : withName(server, name));
    if (server !== undefined) {
      await statement(server, `create database ${name} template template0`);
      const { code } = await run(bundle, ["bootstrap"], { env: home.env }).ended;
      if (code !== 0) throw new Error("bakehouse bootstrap failed");
    }
    if (closing !== undefined) throw new Error("closed");
    return await startService(bundle, home, { LOG_LEVEL: "warn" });
  }

  async function close(): Promise<void> {
    endAll("SIGTERM");
    const service = await starting?.catch(() => undefined);
    await service?.end("SIGTERM");
    if (server !== undefined) await statement(server, `drop database if exists ${name} with (force)`);
    home?.remove();
  }

  return {
    database: server === undefined ? "the embedded database" : "a Postgres server, in a database of its own",
    async start() {
      starting ??= start();
      const { url } = await starting;
      if (home === undefined) throw new Error("closed");
      return { url, credential: credential(home, "default.token") };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function withName(url: string, name: string): string {
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

async function statement(url: string, text: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
