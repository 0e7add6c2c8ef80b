import { setTimeout as pause } from "node:timers/promises";

import { type Answer, createClient } from "../../support/process-client.ts";
import type { Stand } from "./stand.ts";

const KINDS = ["verify", "issue", "revoke"] as const;

/** What is asked for. */
type Kind = (typeof KINDS)[number];

/** One question, and how it went. */
export interface Asked {
  readonly what: Kind;
  /** When it was asked, milliseconds by the monotonic clock. */
  readonly at: number;
  readonly took: number;
  /** 0 where the connection failed. */
  readonly status: number;
  /** Whether the answer says when to ask again. */
  readonly saysWhen: boolean;
  /** Whether the token, which is good all the time, was said not to be. */
  readonly isRefused: boolean;
}

/** Callers that ask all the time. */
export interface Load {
  readonly asked: readonly Asked[];
  /** Ids of the tokens that were issued: what was acknowledged, and nothing else. */
  readonly issued: readonly string[];
  /** Tokens that were revoked, as far as it was acknowledged. */
  readonly revoked: readonly string[];
  stop(): Promise<void>;
}

/** Milliseconds between two questions of one kind. Nobody waits for an answer before the next one is asked. */
const INTERVAL = { verify: 20, issue: 50, revoke: 200 } as const;
/** Questions of one kind that are under way at once. */
const MOST = 500;

/**
 * Begins to ask: one caller verifies a token, one issues, one revokes what was issued, the oldest first.
 *
 * @param by the platform's credential, and a token that is good all the time
 * @param urls of the services that are asked in turn, as a balancer has them
 */
export function beginLoad(by: Pick<Stand, "platform" | "token">, urls: () => readonly string[]): Load {
  let turn = 0;
  const next = () => {
    const all = urls();
    return all[turn++ % all.length] ?? "";
  };
  const asked: Asked[] = [];
  const issued: string[] = [];
  const revoked: string[] = [];
  const live: string[] = [];
  let isOver = false;

  async function ask(what: Kind, path: string, body: object): Promise<Answer | undefined> {
    const at = performance.now();
    const as = what === "revoke" ? undefined : by.platform;
    const answer = await createClient(next())
      .call("POST", path, { as, body })
      .catch(() => undefined);
    const [took, status] = [performance.now() - at, answer?.status ?? 0];
    const saysWhen = answer?.headers.has("retry-after") ?? false;
    const isRefused = what === "verify" && status === 200 && !answer?.text.startsWith('{"allowed":true');
    asked.push({ what, at, took, status, saysWhen, isRefused });
    return answer;
  }

  const text = (answer: Answer, name: string) => String(Reflect.get(Object(answer.body), name));
  const asks = {
    verify: () => ask("verify", "/v1/verify", { token: by.token, context: {} }),
    async issue() {
      const body = { platform: "default", on_behalf_of: { subject: `person ${turn}` } };
      const answer = await ask("issue", "/v1/tokens", body);
      if (answer?.status !== 201) return;
      issued.push(text(answer, "token_id"));
      live.push(text(answer, "token"));
    },
    async revoke() {
      const token = live.shift();
      if (token === undefined) return;
      const answer = await ask("revoke", "/v1/revocations", { targets: [{ token }] });
      if (answer?.status === 200) revoked.push(token);
      else live.unshift(token);
    },
  } as const satisfies Readonly<Record<Kind, () => Promise<unknown>>>;

  async function caller(what: Kind): Promise<void> {
    const underWay = new Set<Promise<unknown>>();
    while (!isOver) {
      if (underWay.size < MOST) {
        const one: Promise<unknown> = asks[what]().finally(() => underWay.delete(one));
        underWay.add(one);
      }
      await pause(INTERVAL[what]);
    }
    await Promise.all(underWay);
  }

  const callers = KINDS.map(caller);
  return {
    asked,
    issued,
    revoked,
    async stop() {
      isOver = true;
      await Promise.all(callers);
    },
  };
}

/** The questions of one kind that were asked in a span of time. */
export function within(asked: readonly Asked[], what: Kind, from: number, to: number): readonly Asked[] {
  return asked.filter((one) => one.what === what && one.at >= from && one.at < to);
}

/** Whether a question was answered with what it asked for. */
export const isGood = ({ status, isRefused }: Asked): boolean =>
  !isRefused && (status === 200 || status === 201);

/** Counts statuses, as `200×31 503×2`. */
export function statusesOf(asked: readonly Asked[]): string {
  const counts = new Map<number, number>();
  for (const { status } of asked) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${status}×${count}`).join(" ") || "none";
}

/** Milliseconds: the longest that one of them took. */
export const longest = (asked: readonly Asked[]) => Math.round(Math.max(0, ...asked.map(({ took }) => took)));
