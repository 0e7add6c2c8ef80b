import { printCaveat } from "../../caveats/print.ts";
import type { Resource } from "../ports/resources.ts";

/** What a token is bound to that the token endpoint issues. */
export interface Binding {
  readonly resource: Pick<Resource, "resource" | "scopes" | "caveats" | "maxTtl">;
  /** Scopes of the resource: at least one, unless it has none. */
  readonly scopes: readonly string[];
  /** The id of a client that authenticated, or was reached by its own redirect; undefined for any other. */
  readonly client: string | undefined;
}

/**
 * The caveats by which a token is bound, in their order: `aud`, `scope`, `client`, then what the resource adds. The `aud` stands
 * first: a `client` without one before it is no fact to verify.
 *
 * @throws Error for no scope where there are some: without a `scope` caveat the token would be good for all of them
 */
export function boundCaveats({ resource, scopes, client }: Binding): readonly string[] {
  const known = new Set(resource.scopes.map(({ scope }) => scope));
  if (scopes.length === 0 ? known.size > 0 : !scopes.every((scope) => known.has(scope))) {
    throw new Error("a token needs scopes of its resource");
  }
  return [
    printCaveat({ kind: "audience", operator: "=", resources: [resource.resource] }),
    ...(scopes.length === 0
      ? []
      : [printCaveat({ kind: "membership", attribute: "scope", operator: "in", items: scopes })]),
    ...(client === undefined ? [] : [printCaveat({ kind: "client", id: client })]),
    ...resource.caveats,
  ];
}
