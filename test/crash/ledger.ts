import { isDeepStrictEqual } from "node:util";

import type { Live } from "./place.ts";

/** A token that was acknowledged, or a link below one. */
interface Entry {
  readonly what: string;
  readonly token: string;
  /** What the service has said of it; unknown where a revocation was sent and no answer came. */
  readonly revoked: () => "yes" | "no" | "unknown";
}

interface Kept {
  readonly key: string;
  readonly body: unknown;
  readonly answer: unknown;
}

/** What the service has acknowledged, and so has to stand by. */
export interface Ledger {
  add(entry: Entry): void;
  /** An answer under an idempotency key. */
  keep(kept: Kept): void;
  /** The position of the log in an acknowledged answer. */
  reached(sequence: string): void;
  readonly size: number;
  /** Asks the service for all of it. @returns what it does not stand by */
  broken(live: Live): Promise<readonly string[]>;
}

/** Satisfies every caveat that a drill writes. */
export const CONTEXT = { action: "read", resource: "a" };

const issuePath = "/v1/tokens";

export function newLedger(): Ledger {
  const entries: Entry[] = [];
  const kept: Kept[] = [];
  const sequences = new Set<string>();

  async function brokenEntry({ api, platform }: Live, { what, token, revoked }: Entry): Promise<string[]> {
    const verdict = await api.verify(platform, token, CONTEXT);
    const found = verdict.allowed ? "no" : verdict.code === "revoked" ? "yes" : verdict.code;
    const told = revoked();
    const stands = told === "unknown" ? found === "no" || found === "yes" : found === told;
    return stands ? [] : [`${what}: was acknowledged with revoked ${told}, and is now ${found}`];
  }

  async function brokenAnswer({ api, platform }: Live, { key, body, answer }: Kept): Promise<string[]> {
    const again = await api.call("POST", issuePath, {
      as: platform,
      body,
      headers: { "idempotency-key": key },
    });
    if (again.status === 201 && isDeepStrictEqual(again.body, answer)) return [];
    return [`${key}: a repeat answered ${again.status}, not what was answered first`];
  }

  async function brokenPosition({ api, platform }: Live, sequence: string): Promise<string[]> {
    const body = { token: "none", context: {}, min_sequence: sequence };
    const { status } = await api.call("POST", "/v1/verify", { as: platform, body });
    return status === 200 ? [] : [`the log does not reach ${sequence}: ${status}`];
  }

  return {
    add: (entry) => void entries.push(entry),
    keep: (answer) => void kept.push(answer),
    reached: (sequence) => void sequences.add(sequence),
    get size() {
      return entries.length + kept.length + sequences.size;
    },
    async broken(live) {
      const all = [
        ...entries.map((entry) => () => brokenEntry(live, entry)),
        ...kept.map((answer) => () => brokenAnswer(live, answer)),
        ...[...sequences].map((sequence) => () => brokenPosition(live, sequence)),
      ];
      const found: string[] = [];
      const next = all.values();
      // A few at a time: a restarted service is asked for everything at once.
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (const ask of next) found.push(...(await ask()));
        }),
      );
      return found;
    },
  };
}
