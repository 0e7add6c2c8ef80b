import type { ApiAction } from "../words/actions.ts";
import type { Identity, Session } from "./ports/sessions.ts";

/** A human, by an ID token or in a browser session; or a workload or human, by an assertion. */
export interface HumanCaller {
  readonly kind: "human";
  readonly identity: Identity;
  /** Whether the configured issuer put them into one of `ADMIN_GROUPS`. */
  readonly administrator: boolean;
  /**
   * When they last proved who they are, else when their issuer vouched for them, unix milliseconds. Later
   * revocations end this login.
   */
  readonly spokeAt: number;
  /** When the issuer said what `identity` holds, unix milliseconds; absent if that is not known. */
  readonly saidAt?: number;
  /** The claims of the assertion that vouches for them; absent for a login. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The end of all that they get, unix milliseconds; absent for a login. */
  readonly until?: number;
  /** When the browser session began that the call comes from, unix milliseconds; absent for every other credential. */
  readonly sessionBegunAt?: number;
  /** The id of that session. */
  readonly sessionId?: string;
  /**
   * The login of a program that acts as the human; absent if they call themselves. A program is never taken for the
   * person who is here: see `requirePerson`.
   */
  readonly program?: Session;
}

/** In a check of a credential, for the time before the resource is known that a call concerns: no condition on it is cleared. */
export const ANY_RESOURCE = "*";

/** A holder of one of the service's own macaroons, its signature and life already checked. */
export interface ServiceCaller {
  readonly kind: "service";
  /** `platform` is set exactly if the role is `platform`. */
  readonly role: "administrator" | "platform";
  readonly platform: string | undefined;
  /** Token id of the credential's root macaroon. */
  readonly credentialId: string;
  /** Revocation ids of the presented macaroon's links: what was narrowed from it has all of them, and more. */
  readonly links: readonly string[];
  /** Those of the links that holders of the credential added. */
  readonly narrowed: readonly string[];
  /** The resource that it was issued for; undefined for none. A `resource` that holders appended is a condition alone. */
  readonly resource: string | undefined;
  /**
   * Clears the credential's caveats for one use of the API.
   *
   * @param platform the platform that the call concerns; undefined if it concerns none or all
   * @param resource the resource that the call concerns, or {@link ANY_RESOURCE}; undefined for the credential's own
   * @returns the sentence that names the refusing caveat; undefined if no caveat refuses
   */
  refuses(action: ApiAction, platform: string | undefined, resource?: string): string | undefined;
}

/** An authenticated caller of the API. */
export type Caller = HumanCaller | ServiceCaller;

/**
 * A caller's way through those who share an allowance: the credential or the person, and then what uses it up below them.
 * That is each link by which a credential was narrowed; of a person the program that acts as them, or an ID token, which
 * programs hold.
 */
export function wayOf(caller: Caller): readonly string[] {
  if (caller.kind === "service") return [`credential\n${caller.credentialId}`, ...caller.narrowed];
  const { identity, program, sessionBegunAt } = caller;
  const person = `human\n${identity.issuer}\n${identity.subject}`;
  if (program !== undefined) return [person, `program\n${program.id}`];
  return sessionBegunAt === undefined ? [person, "ID token"] : [person];
}

/** The facts of the HTTP request that a service credential's caveats are cleared against. */
export interface RequestFacts {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** The caller's address; undefined if it cannot be told, and then no caveat on it passes. */
  readonly ip: string | undefined;
}
