import type { VerifyRequest } from "../../src/domain/service.ts";

/** What verify is asked about a token, in an empty context. */
export function question(token: string, more: Partial<VerifyRequest> = {}): VerifyRequest {
  return {
    token,
    discharges: [],
    context: new Map(),
    cost: new Map(),
    chargeId: undefined,
    reserve: undefined,
    proof: undefined,
    endorsements: [],
    minSequence: undefined,
    dryRun: false,
    ...more,
  };
}
