import { createHmac } from "node:crypto";

/** Bytes of a hash, as of a revocation id. */
const BYTES = 16;

/**
 * The key under which a platform's reader is told the agents that others have named. It differs from platform to platform,
 * so that what two of them read cannot be laid side by side, and it changes with the log's epoch, where every reader begins
 * anew. It is no secret: whoever reads the log has it, and can try names by it.
 */
export function agentHashKey(epoch: string, platform: string): Uint8Array {
  const key = createHmac("sha256", epoch).update("bakehouse agent names v1\0").update(platform).digest();
  return new Uint8Array(key);
}

/** The hash of an agent's text as it was revoked: a name, or `name#instance`. */
export function agentHash(key: Uint8Array, agent: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(agent).digest().subarray(0, BYTES));
}
