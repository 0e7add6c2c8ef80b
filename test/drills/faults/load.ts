import { setTimeout as pause } from "node:timers/promises";

import { createClient } from "../../support/process-client.ts";
import type { Stand } from "./stand.ts";

/** One question, and how it went. */
export interface Asked {
  readonly what: "verify" | "issue";
  /** When it was asked, milliseconds by the monotonic clock. */
  readonly at: number;
  readonly took: number;
  /** 0 where the connection failed. */
  readonly status: number;
}

/** Callers that ask all the time. */
export interface Load {
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

/** Milliseconds between two questions of one kind. Nobody waits for an answer before the next one is asked. */
const INTERVAL = { verify: 20, issue: 50 } as const;
/** Questions of one kind that are under way at once. */
const MOST = 500;

/**
 * Begins to ask: one caller verifies a token, one issues.
 *
 * @param urls of the services that are asked in turn, as a balancer has them; the one of the stand unless said
 */
export function beginLoad(stand: Stand, urls = () => [stand.service().url]): Load {
  let turn = 0;
  const next = () => {
    const all = urls();
    return all[turn++ % all.length] ?? "";
  };
  const asked: Asked[] = [];
  let isOver = false;
  const bodies = {
    verify: ["/v1/verify", { token: stand.token, context: {} }],
    issue: ["/v1/tokens", { platform: "default", on_behalf_of: { subject: "alice" } }],
  } as const;

  async function ask(what: "verify" | "issue"): Promise<void> {
    const [path, body] = bodies[what];
    const at = performance.now();
    const status = await createClient(next())
      .call("POST", path, { as: stand.platform, body })
      .then((answer) => answer.status)
      .catch(() => 0);
    asked.push({ what, at, took: performance.now() - at, status });
  }

  async function caller(what: "verify" | "issue"): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!isOver) {
      if (underWay.size < MOST) {
        const one = ask(what).finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await pause(INTERVAL[what]);
    }
    await Promise.all(underWay);
  }

  const callers = (["verify", "issue"] as const).map(caller);
  return {
    asked,
    async stop() {
      isOver = true;
      await Promise.all(callers);
    },
  };
}

/** The questions of one kind that were asked in a span of time. */
export function within(asked: readonly Asked[], what: Asked["what"], from: number, to: number) {
  return asked.filter((one) => one.what === what && one.at >= from && one.at < to);
}

/** Counts statuses, as `200×31 503×2`. */
export function statusesOf(asked: readonly Asked[]): string {
  const counts = new Map<number, number>();
  for (const { status } of asked) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${status}×${count}`).join(" ") || "none";
}

/** Milliseconds: the longest that one of them took. */
export const longest = (asked: readonly Asked[]) => Math.round(Math.max(0, ...asked.map(({ took }) => took)));
