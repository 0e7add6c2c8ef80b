import type { ApiAction } from "../words/actions.ts";
import { ANY_RESOURCE, type Caller, type HumanCaller, type ServiceCaller } from "./caller.ts";
import { DomainError } from "./parts/error.ts";

function clearCredential(
  caller: ServiceCaller,
  action: ApiAction,
  platform: string | undefined,
  resource?: string,
): void {
  const refusal = caller.refuses(action, platform, resource);
  if (refusal !== undefined) throw new DomainError("forbidden", refusal);
}

/** Lets administrators pass, by group or by credential; everyone else is `forbidden`. */
export function requireAdministrator(
  caller: Caller,
  action: ApiAction,
  platform: string | undefined,
  resource?: string,
): void {
  if (caller.kind === "service" && caller.role === "administrator") {
    clearCredential(caller, action, platform, resource);
  } else if (caller.kind !== "human" || !caller.administrator) {
    throw new DomainError("forbidden", "only an administrator may do this");
  }
}

/**
 * Lets a platform's credential pass for its own platform; everyone else is `forbidden`.
 *
 * @param resource the resource that the call concerns, or {@link ANY_RESOURCE}; undefined for the credential's own
 * @returns the platform's name
 */
export function requirePlatform(caller: Caller, action: ApiAction, resource?: string): string {
  if (caller.kind !== "service" || caller.platform === undefined) {
    throw new DomainError("forbidden", "only a platform's credential may do this");
  }
  clearCredential(caller, action, caller.platform, resource);
  return caller.platform;
}

/**
 * Lets administrators pass for every platform and a platform's credential for its own.
 *
 * @param platform the name that the caller gave; a foreign one is `not_found` for a platform, like an unknown one
 * @param resource as in {@link requirePlatform}
 * @returns the platform that the call concerns; undefined if an administrator named none
 */
export function requireAdministratorOrPlatform(
  caller: Caller,
  action: ApiAction,
  platform: string | undefined,
  resource?: string,
): string | undefined {
  if (caller.kind === "service" && caller.role === "platform") {
    const own = requirePlatform(caller, action, resource);
    if (platform !== undefined && platform !== own) throw new DomainError("not_found", "no such platform");
    return own;
  }
  requireAdministrator(caller, action, platform, resource);
  return platform;
}

/** @returns the human, or whom a program acts as; `forbidden` for service credentials */
export function requireHuman(caller: Caller): HumanCaller {
  if (caller.kind !== "human") throw new DomainError("forbidden", "only a person may do this");
  return caller;
}

/**
 * Lets people pass who call themselves, for what only they may see and say.
 *
 * @returns the human; `forbidden` for service credentials, and for a program that acts as somebody
 */
export function requirePerson(caller: Caller): HumanCaller {
  const human = requireHuman(caller);
  if (human.program === undefined) return human;
  throw new DomainError("forbidden", "only a person may do this, and no program that acts as them");
}

/*
 * Checks for the time before a call's platform is known. None of them refuses a caller that the whole check would let
 * pass.
 */

/** Refuses all but administrators. The caveats of an administrator's credential are left to the whole check. */
export function requireAdministratorRole(caller: Caller): void {
  const passes = caller.kind === "human" ? caller.administrator : caller.role === "administrator";
  if (!passes) throw new DomainError("forbidden", "only an administrator may do this");
}

/** As {@link requireAdministratorOrPlatform}, for a platform that is not known yet. */
export function requireAdministratorOrPlatformRole(caller: Caller, action: ApiAction): void {
  if (caller.kind === "service" && caller.role === "platform") requirePlatform(caller, action);
  else requireAdministratorRole(caller);
}

/** Refuses service credentials but those of platforms, whichever resource they will ask as. */
export function requireHumanOrPlatform(caller: Caller, action: ApiAction): void {
  if (caller.kind === "service") requirePlatform(caller, action, ANY_RESOURCE);
}
