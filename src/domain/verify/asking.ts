import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import type { AskingResource, KnownResources } from "../replica/known-resources.ts";
import type { VerifyRequest } from "../service.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** A question, with the resource that asks it; undefined for a platform that asks as none. */
export interface Question extends VerifyRequest {
  readonly asking: AskingResource | undefined;
}

/**
 * Finds the resource as which somebody asks: the one that the request names, else the one that the credential was issued for.
 *
 * @param platform the platform that asks; nobody's for a token that the caller may not ask about
 * @param named its canonical URI
 * @returns at once where none asks, as of nearly all requests; rejects with `not_found` for one that is not registered by that
 *   platform
 */
export function askingResource(
  resources: KnownResources,
  caller: Caller,
  platform: string,
  named: string | undefined,
): undefined | Promise<AskingResource> {
  const uri = named ?? (caller.kind === "service" ? caller.resource : undefined);
  return uri === undefined || platform === "" ? undefined : registered(resources, platform, uri);
}

async function registered(resources: KnownResources, platform: string, uri: string): Promise<AskingResource> {
  const resource = await resources.find(platform, uri);
  if (resource === undefined) throw new DomainError("not_found", "no such resource", "resource");
  return resource;
}

/** Finds the resource as which one question of a batch asks. */
export type AskingFor = (named: string | undefined) => Promise<AskingResource | undefined>;

/** Finds it once for all questions of a batch that name the same. */
export function rememberedAsking(find: AskingFor): AskingFor {
  const found = new Map<string | undefined, Promise<AskingResource | undefined>>();
  return (named) => {
    let one = found.get(named);
    if (one === undefined) {
      one = find(named);
      found.set(named, one);
    }
    return one;
  };
}

/**
 * Whether a token may be used at a resource at all: one that takes no unbound tokens asks for an `aud` among those caveats that
 * the issuer wrote. What holders append is never looked at.
 */
export function isTakenBy(token: VerifiedToken, { uri, acceptUnbound }: AskingResource): boolean {
  if (acceptUnbound) return true;
  const { conditions, identifier } = token;
  for (let index = 0; index < identifier.issuedCaveats; index++) {
    const condition = conditions[index];
    if (condition?.state !== "known" || condition.caveat.kind !== "audience") continue;
    if (condition.caveat.resources.includes(uri)) return true;
  }
  return false;
}
