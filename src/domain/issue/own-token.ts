import { isUuidv7 } from "../../words/ids.ts";
import type { Caller } from "../caller.ts";
import { credentialsOf } from "../credential-role.ts";
import { DomainError } from "../parts/error.ts";
import { requireAdministratorOrPlatform, requirePlatform } from "../permission.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Store } from "../ports/store.ts";
import type { TokenFilter, TokenWithPrincipal } from "../ports/tokens.ts";

/** The tokens that a caller may see, of one platform if that is named. Rejects as reading them does. */
export function filterFor(caller: Caller, platform: string | undefined): TokenFilter {
  const named = platform === undefined ? {} : { platform };
  if (caller.kind === "human") {
    const { issuer, subject } = caller.identity;
    const seesAll = caller.administrator && platform !== undefined;
    return seesAll ? named : { ...named, human: { issuer, subject } };
  }
  if (platform === SERVICE_PLATFORM && caller.role === "platform") {
    return credentialsOf(requirePlatform(caller, "read"));
  }
  const allowed = requireAdministratorOrPlatform(caller, "read", platform);
  return allowed === undefined ? {} : { platform: allowed };
}

/** The filters that together match a caller's own tokens. */
function placesOf(caller: Caller): readonly TokenFilter[] {
  if (caller.kind === "human") return [caller.administrator ? {} : filterFor(caller, undefined)];
  const own = filterFor(caller, undefined);
  return caller.role === "platform" ? [own, filterFor(caller, SERVICE_PLATFORM)] : [own];
}

/** Refuses a caller that may see no token at all, before it is known which one is meant. */
export function requireReader(caller: Caller): void {
  placesOf(caller);
}

/** A token that the caller may see. Rejects with `not_found` for foreign and unknown ids alike. */
export async function ownToken(
  store: Pick<Store, "tokens">,
  caller: Caller,
  tokenId: string,
): Promise<TokenWithPrincipal> {
  const places = isUuidv7(tokenId) ? placesOf(caller) : [];
  let entry: TokenWithPrincipal | undefined;
  for (const filter of places) entry ??= await store.tokens.find(tokenId, filter);
  if (entry === undefined) throw new DomainError("not_found", "no such token");
  return entry;
}
