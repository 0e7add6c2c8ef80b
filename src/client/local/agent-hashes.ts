import { decodeBase64, encodeBase64Url, type Hmac } from "../../macaroon/index.ts";

/** The hashes by which the log names agents that others have revoked. */
export interface AgentHashes {
  /**
   * Takes in the key, base64url.
   *
   * @returns whether another one was known: then no hash that was noted before can be recognised
   */
  learn(key: string): boolean;
  /** The hash of an agent's text; undefined if the key is not known. */
  of(agent: string): string | undefined;
  /** Forgets the key. */
  forget(): void;
}

/** Hashes that are remembered: tokens have few agents, and the same ones again and again. */
const MOST = 10_000;

/** The bytes of a hash. */
const BYTES = 16;

export function createAgentHashes(hmac: Hmac): AgentHashes {
  const encoder = new TextEncoder();
  const known = new Map<string, string>();
  let text: string | undefined;
  let key: Uint8Array | undefined;
  return {
    learn(given) {
      if (given === text) return false;
      const isOther = text !== undefined;
      known.clear();
      text = given;
      key = decodeBase64(given);
      return isOther;
    },
    of(agent) {
      if (key === undefined) return undefined;
      const found = known.get(agent);
      if (found !== undefined) return found;
      if (known.size >= MOST) known.clear();
      const hash = encodeBase64Url(hmac(key, encoder.encode(agent)).subarray(0, BYTES));
      known.set(agent, hash);
      return hash;
    },
    forget() {
      known.clear();
      text = undefined;
      key = undefined;
    },
  };
}
