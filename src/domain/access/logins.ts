import { createHash } from "node:crypto";

import { auditEvent } from "../audit.ts";
import { LOGIN_ATTEMPT, LOGOUT_HINT, type Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { LOGIN_LIFE, SESSION_LIFE } from "../parts/lifetimes.ts";
import { uuidv7 } from "../parts/uuid.ts";
import type { Clock } from "../ports/clock.ts";
import type { LoginAttempt, RelyingParty } from "../ports/identity.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Session } from "../ports/sessions.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { Logins } from "../session-service.ts";
import { spokeAtOf } from "./authentication.ts";
import { createCallbackLimit } from "./callback-limit.ts";
import { createSessionCookies } from "./session-cookies.ts";
import { createLoginCheck } from "./standing-login.ts";
import type { StrangerLookUps } from "./stranger-look-ups.ts";

// Browsers keep at most 4,096 bytes of a cookie, and sealing makes four bytes of three.
const LONGEST_HINT = 2_900;

function hash(cookie: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse session v1\0").update(cookie).digest());
}

/** Attempts that are remembered as used. */
const MOST_USED = 50_000;

/** Remembers attempts until they are over anyway: each may ask the issuer for tokens once. */
function createUsedAttempts(clock: Clock) {
  const used = new Map<string, number>();
  /** @returns false for an attempt that was used before */
  return function use(sealed: Uint8Array, { startedAt }: LoginAttempt): boolean {
    for (const [oldest, until] of used) {
      if (until > clock.now() && used.size < MOST_USED) break;
      used.delete(oldest);
    }
    const name = createHash("sha256").update(sealed).digest("base64url");
    if (used.has(name)) return false;
    used.set(name, startedAt + LOGIN_LIFE);
    return true;
  };
}

/** A session's name in the memory of look-ups. */
function nameOf(idHash: Uint8Array): string {
  return `session ${Buffer.from(idHash).toString("base64url")}`;
}

function isAttempt(value: unknown): value is LoginAttempt {
  if (typeof value !== "object" || value === null) return false;
  const member = (name: string) => (value as Readonly<Record<string, unknown>>)[name];
  const texts = ["state", "nonce", "codeVerifier", "returnTo"].every(
    (name) => typeof member(name) === "string",
  );
  return texts && typeof member("startedAt") === "number";
}

/**
 * Logging in and out with a browser.
 *
 * The values that finish a login (state, nonce, PKCE verifier) rest sealed in a cookie of the
 * browser that began it and nowhere else: another browser cannot finish it, and beginning logins costs
 * the database nothing.
 */
export function createLogins(options: {
  readonly store: Store;
  readonly relyingParty: RelyingParty;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly lookUps: StrangerLookUps;
  readonly knowledge: Pick<RevocationKnowledge, "endsLogin">;
}): Logins & { find(cookie: string, from: string): Promise<Session | undefined> } {
  const { store, relyingParty, sealing, clock, randomness, lookUps } = options;

  const use = createUsedAttempts(clock);
  const takeCallback = createCallbackLimit(options);
  const requireStandingLogin = createLoginCheck(options);
  const cookies = createSessionCookies(options);

  function openAttempt(sealed: string | undefined): LoginAttempt | undefined {
    if (sealed === undefined) return undefined;
    try {
      const bytes = sealing.open(new Uint8Array(Buffer.from(sealed, "base64url")), LOGIN_ATTEMPT);
      const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return isAttempt(value) && clock.now() - value.startedAt < LOGIN_LIFE ? value : undefined;
    } catch {
      return undefined; // not ours, altered, or sealed under a master key that has gone
    }
  }

  /** A hint that opens for the same session alone; undefined for one that no cookie would hold. */
  function sealHint(hint: string | undefined, idHash: Uint8Array): string | undefined {
    if (hint === undefined || hint.length > LONGEST_HINT) return undefined;
    const sealed = sealing.seal(new TextEncoder().encode(hint), LOGOUT_HINT, nameOf(idHash));
    return Buffer.from(sealed).toString("base64url");
  }

  function openHint(sealed: string | undefined, idHash: Uint8Array): string | undefined {
    if (sealed === undefined) return undefined;
    try {
      const bytes = new Uint8Array(Buffer.from(sealed, "base64url"));
      return new TextDecoder().decode(sealing.open(bytes, LOGOUT_HINT, nameOf(idHash)));
    } catch {
      return undefined; // not ours, another session's, or sealed under a master key that has gone
    }
  }

  async function find(cookie: string, from: string): Promise<Session | undefined> {
    if (!cookies.isOne(cookie)) return undefined;
    const idHash = hash(cookie);
    const load = () => store.sessions.find(idHash, clock.now());
    return lookUps.find(nameOf(idHash), from, load, cookies.isMarked(cookie));
  }

  return {
    async begin(returnTo, demands) {
      const { url, attempt } = await relyingParty.begin(returnTo, demands);
      const sealed = sealing.seal(new TextEncoder().encode(JSON.stringify(attempt)), LOGIN_ATTEMPT);
      return { url, state: attempt.state, attempt: Buffer.from(sealed).toString("base64url") };
    },

    async finish(sealed, callback, from) {
      const attempt = openAttempt(sealed);
      if (attempt === undefined) {
        const reason = "this login was not begun in this browser, or took too long";
        return { ok: false, reason, facts: { step: "callback" } };
      }
      // A callback with another state asks the issuer nothing, and anybody can have a browser come here with one.
      const asks = callback.searchParams.has("code") && callback.searchParams.get("state") === attempt.state;
      // Before the attempt is used up, so that a refused one can be tried again.
      if (asks) takeCallback(from);
      if (asks && !use(Buffer.from(sealed ?? "", "base64url"), attempt)) {
        const reason = "this login was used already: begin a new one";
        return { ok: false, reason, facts: { step: "callback" } };
      }
      const outcome = await relyingParty.finish(attempt, callback);
      if (!outcome.ok) return outcome;
      const { identity } = outcome;
      const createdAt = clock.now();
      const spokeAt = spokeAtOf({ identity, createdAt });
      try {
        requireStandingLogin({ identity, spokeAt });
      } catch (error) {
        // The issuer remembered a login from before: the session would be over at once, and begin anew without end.
        if (!(error instanceof DomainError)) throw error;
        return { ok: false, reason: error.message, anew: true, facts: { step: "id_token" } };
      }
      const cookie = cookies.make();
      const session: Session = {
        idHash: hash(cookie),
        id: uuidv7(createdAt, randomness),
        kind: "browser",
        identity,
        createdAt,
        expiresAt: createdAt + SESSION_LIFE,
      };
      await store.transaction("begin session", async (repositories) => {
        const at = await repositories.now();
        await repositories.sessions.insert(session);
        // An e-mail that the issuer could not be asked for is not known to be gone.
        const word = { saidAt: createdAt, isWhole: outcome.facts === undefined };
        await repositories.people.saw(identity, at, word);
        const { issuer, subject } = identity;
        const actor = { kind: "principal", issuer, subject } as const;
        const event = { action: "session.begun", actor, platform: null, details: {} } as const;
        await repositories.audit.append([auditEvent(randomness, at, event)]);
      });
      lookUps.given(nameOf(session.idHash));
      const { returnTo } = attempt;
      const { facts } = outcome;
      const logoutHint = sealHint(outcome.logoutHint, session.idHash);
      return {
        ok: true,
        cookie,
        returnTo,
        expiresAt: session.expiresAt,
        ...(facts === undefined ? {} : { facts }),
        ...(logoutHint === undefined ? {} : { logoutHint }),
      };
    },

    find,

    logoutUrl: (cookie, hint) => relyingParty.logoutUrl(openHint(hint, hash(cookie))),

    async logout(cookie, from, successor) {
      if ((await find(cookie, from)) === undefined) return;
      const next = successor === undefined ? undefined : await find(successor, from);
      await store.transaction("end session", async (repositories) => {
        const session = await repositories.sessions.end(hash(cookie));
        if (session === undefined) return;
        const { issuer, subject } = session.identity;
        const actor = { kind: "principal", issuer, subject } as const;
        const goesOn = next?.identity.issuer === issuer && next.identity.subject === subject;
        const ended = goesOn ? [] : await repositories.sessions.endPrograms(session.identity);
        const now = await repositories.now();
        const events = [session, ...ended].map(({ id, kind }) => {
          const details = { session: id, kind };
          return auditEvent(randomness, now, { action: "session.ended", actor, platform: null, details });
        });
        await repositories.audit.append(events);
      });
    },
  };
}
