import type { Condition } from "./condition.ts";

/**
 * Whether a `client` at a place of a root macaroon's chain is a fact: the issuer wrote it, and before it the `aud` that the token
 * endpoint always writes first. A version for which `client` was an attribute like others may have issued one as a limit, which
 * must not turn into none.
 *
 * @param issued how many conditions at the front of the chain the issuer wrote
 */
export function isProvenClient(conditions: readonly Condition[], index: number, issued: number): boolean {
  if (index >= issued) return false;
  return conditions
    .slice(0, index)
    .some((condition) => condition.state === "known" && condition.caveat.kind === "audience");
}
