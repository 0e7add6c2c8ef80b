import { createHmac } from "node:crypto";

/** Bytes of a hash, as of a revocation id. */
const BYTES = 16;

/** The key under which a platform's reader is told the agents that others have named. */
export type AgentKeys = (epoch: string, platform: string) => Uint8Array;

/**
 * Makes the keys of agents' names. They differ from platform to platform, so that the logs of two of them cannot be laid side
 * by side, and change with the log's epoch, when every reader begins anew. A platform's readers are given its key, and can
 * try names by it; nobody else can, because the epoch and a platform's name, known to many, do not make the key.
 *
 * @param secret the same on every replica; with another one readers are given other keys
 */
export function createAgentKeys(secret: Uint8Array): AgentKeys {
  return (epoch, platform) => {
    const name = JSON.stringify([epoch, platform]);
    return new Uint8Array(
      createHmac("sha256", secret).update("bakehouse agent names v2\0").update(name).digest(),
    );
  };
}

/** The hash of an agent's text as it was revoked: a name, or `name#instance`. */
export function agentHash(key: Uint8Array, agent: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(agent).digest().subarray(0, BYTES));
}
