import { compileCaveat } from "../../caveats/condition.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { boundCaveats } from "../issue/bound-caveats.ts";
import { DEFAULT_TOKEN_LIFE, MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import type { PolicyRule } from "../ports/policy.ts";
import type { OAuthResource } from "./outside.ts";

/** The rights of a client, as far as its tokens say them. */
interface Shaped {
  readonly resource: OAuthResource;
  readonly scopes: readonly string[];
  /** The id of a client that is proven to be the one; undefined for any other, and for none. */
  readonly client: string | undefined;
}

/** The issued caveats of an access token behind `time <`. */
export function caveatsOf(shaped: Shaped, rule: PolicyRule): readonly string[] {
  return [...boundCaveats(shaped), ...rule.caveats];
}

/** Life of an access token, milliseconds. */
export function lifeOf(resource: OAuthResource, rule: PolicyRule): number {
  const longest = Math.min(rule.maxTtl, resource.maxTtl ?? Number.POSITIVE_INFINITY) * 1000;
  return Math.min(longest, DEFAULT_TOKEN_LIFE, MAX_TOKEN_LIFE);
}

/** The limits that resource and policy add, in the words of `summary`; undefined for nothing. */
export function limitsOf(resource: OAuthResource, rule: PolicyRule): string | undefined {
  const added = [...resource.caveats, ...rule.caveats];
  return added.length === 0 ? undefined : summarise(added.map(compileCaveat));
}
