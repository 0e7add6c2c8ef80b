import type { SessionKind } from "../words/states.ts";
import type { Caller } from "./caller.ts";
import type { LoginAttempt, LoginDemands, LoginRefusal } from "./ports/identity.ts";
import type { FailureFacts } from "./ports/parts/failure.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";
import type { Session } from "./ports/sessions.ts";

export interface Logins {
  begin(
    returnTo: string,
    demands?: LoginDemands,
  ): Promise<{
    readonly url: string;
    /** The login's name, in letters, digits, `-` and `_`: several can be under way in one browser. */
    readonly state: string;
    /** Sealed: for the browser's cookie. */
    readonly attempt: string;
  }>;
  /**
   * @param attempt as the browser's cookie holds it; undefined if it has none
   * @param from the caller's address
   * @returns the new session's cookie value, or the public reason why there is none
   */
  finish(
    attempt: string | undefined,
    callback: URL,
    from: string,
  ): Promise<
    | {
        readonly ok: true;
        readonly cookie: string;
        readonly returnTo: LoginAttempt["returnTo"];
        readonly expiresAt: number;
        readonly facts?: FailureFacts;
        /** Sealed: a hint for the issuer when this session is ended, for another cookie of the browser. */
        readonly logoutHint?: string;
      }
    | LoginRefusal
  >;
  /**
   * Ends the session, and all programs' logins of its person; ending one that is not there is no error.
   *
   * @param from the caller's address
   * @param successor the cookie of the session in which the browser goes on: the same person's programs stay
   */
  logout(cookie: string, from: string, successor?: string): Promise<void>;
  /**
   * Where the issuer ends its own session, once the session here is ended.
   *
   * @param cookie the session's
   * @param hint sealed, as the login gave it; one of another session is passed over
   * @returns undefined for an issuer without such a place
   */
  logoutUrl(cookie: string, hint: string | undefined): Promise<string | undefined>;
}

/** A person's own sessions. */
export interface Sessions {
  /** @param kind undefined for all */
  list(caller: Caller, kind: SessionKind | undefined, page: PageRequest): Promise<Page<Session>>;
  /** Rejects with `not_found` for another person's session and for one that never was alike. */
  end(caller: Caller, id: string): Promise<void>;
}
