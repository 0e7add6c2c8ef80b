import {
  type Asker,
  freshAsker,
  keptAsker,
  muteAsker,
  pollAsker,
  type Question,
  silentAsker,
  streamAsker,
} from "./askers.ts";
import type { Kind, Tally } from "./tally.ts";

/** All that callers need to know. */
export interface Asked {
  readonly credential: string;
  readonly token: string;
  /** A discharge that nobody grants. */
  readonly pending: { readonly id: string; readonly secret: string };
}

/** Where they ask: at the services themselves, and at a proxy in front of them. */
export interface Load {
  readonly services: readonly string[];
  readonly proxy: string | undefined;
  /** How long those wait at most who open a connection for each question, milliseconds. */
  readonly freshPause: number;
}

const JSON_TYPE = { "content-type": "application/json" };

function questionsOf({ credential, token, pending }: Asked) {
  const authorization = `Bearer ${credential}`;
  const verify: Question = {
    method: "POST",
    path: "/v1/verify",
    headers: { ...JSON_TYPE, authorization },
    body: JSON.stringify({ token, context: {} }),
    expected: [200],
  };
  const list: Question = {
    method: "GET",
    path: "/v1/tokens?limit=1",
    headers: { authorization },
    expected: [200],
  };
  const stream: Question = {
    method: "GET",
    path: "/v1/revocations",
    headers: { authorization, accept: "text/event-stream" },
    expected: [200],
  };
  const poll: Question = {
    method: "POST",
    path: `/v1/discharge/${pending.id}/collect`,
    headers: JSON_TYPE,
    body: JSON.stringify({ secret: pending.secret }),
    expected: [202],
  };
  const health: Question = { method: "GET", path: "/healthz", expected: [200] };
  return { verify, list, stream, poll, health };
}

/** Begins to ask in every way. @returns ends it, once every question has its answer */
export function startLoad(
  asked: Asked,
  { services, proxy, freshPause }: Load,
  count: Tally,
): () => Promise<void> {
  const { verify, list, stream, poll, health } = questionsOf(asked);
  const askers: Asker[] = [];
  const some = (times: number, make: () => Asker) => askers.push(...Array.from({ length: times }, make));
  for (const url of services) {
    const where = (kind: Kind) => ({ url, kind, count });
    some(8, () => keptAsker(where("kept"), [verify, health], 60));
    some(8, () => keptAsker(where("kept, slow"), [verify, list, health], 1_500));
    some(2, () => freshAsker(where("fresh"), [verify, health], freshPause));
    some(4, () => silentAsker(where("silent"), 1_200));
    some(2, () => muteAsker(where("mute")));
    some(2, () => streamAsker(where("stream"), stream));
    some(2, () => pollAsker(where("poll"), poll));
  }
  if (proxy !== undefined) {
    const where = { url: proxy, kind: "nginx", count } as const;
    some(6, () => keptAsker(where, [verify, list], 60));
    some(6, () => keptAsker(where, [verify, health], 1_000));
    some(1, () => freshAsker(where, [verify], freshPause));
  }
  return async () => {
    await Promise.all(askers.map((asker) => asker.end()));
  };
}
