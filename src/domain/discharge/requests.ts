import { createHash } from "node:crypto";
import { quote } from "../../caveats/values/quote.ts";
import { parseTerms } from "../../conditions/parse.ts";
import { DEFAULT_LIFE, type Terms } from "../../conditions/terms.ts";
import { constantTimeEqual } from "../../macaroon/index.ts";
import type { RequestState } from "../../words/states.ts";
import { openKept, type Sealing } from "../keys/sealing.ts";
import { DomainError } from "../parts/error.ts";
import { BAKERY_LOGIN_LIFE } from "../parts/lifetimes.ts";
import type { DischargeProtocol, DischargeRequest } from "../ports/discharge-requests.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

const SECRET = /^[A-Za-z0-9_-]{43}$/;
// No vowels and nothing that looks like something else (RFC 8628 §6.1).
const CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const PURPOSE = "discharge request";
/** A version that knows no caveats of the asker must not mint without them, so it cannot open such a request. */
const PURPOSE_WITH_CAVEATS = "discharge request with caveats";

/** The parts of a request that are kept sealed. */
export interface SealedContents {
  readonly caveatId: Uint8Array;
  /** A secret. */
  readonly caveatKey: Uint8Array;
  /** Whether the ticket is one of this service's own API logins. */
  readonly login: boolean;
  /** The discharge's own id; null if an older version sealed it. */
  readonly dischargeId: string | null;
  /** The caveats that the asker gave. */
  readonly caveats: readonly string[];
  /** Whether the discharge of a confirmation names its request, so that it can be taken back; an older version's does not. */
  readonly named: boolean;
}

/** The one refusal for an id that no request has, and for a request that is not the caller's. */
export function noSuchRequest(): DomainError {
  return new DomainError("not_found", "no such request");
}

function sha256(label: string, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash("sha256").update(`bakehouse ${label} v1\0`);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Names a ticket. */
export function ticketHash(ticket: Uint8Array): Uint8Array {
  return sha256("ticket", ticket);
}

/** The form in which a collecting secret is kept. */
export function secretHash(secret: string): Uint8Array {
  return sha256("discharge secret", secret);
}

/** 256 random bits that collect a discharge. */
export function newSecret(randomness: Randomness): string {
  return Buffer.from(randomness.bytes(32)).toString("base64url");
}

/** A short code for people to compare: 34 bits, enough for the minutes for which the request waits. */
export function newCode(randomness: Randomness): string {
  let code = "";
  while (code.length < 8) {
    for (const byte of randomness.bytes(16)) {
      // 240 is the largest multiple of 20 below 256: every letter is as likely as any other.
      if (byte < 240 && code.length < 8) code += CODE_LETTERS[byte % CODE_LETTERS.length];
    }
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** The name of a request and its secret in the memory of look-ups. */
export function nameInMemory(id: string, secret: string): string {
  return `discharge ${id} ${Buffer.from(secretHash(secret)).toString("base64url")}`;
}

/** Finds a request for whoever asked; undefined for another protocol's request, and for another secret than its own. */
export async function findBySecret(
  store: Pick<Store, "dischargeRequests">,
  protocol: DischargeProtocol,
  id: string,
  secret: string,
): Promise<DischargeRequest | undefined> {
  if (!SECRET.test(secret)) return undefined;
  const request = await store.dischargeRequests.find(id);
  return request?.protocol === protocol && isSecretOf(request, secret) ? request : undefined;
}

/** Whether a secret is the one that collects a request. */
function isSecretOf(request: DischargeRequest, secret: string): boolean {
  return constantTimeEqual(secretHash(secret), request.secretHash);
}

/** Reads the condition of a request again. It was readable when the request was kept. */
export function termsOf(request: Pick<DischargeRequest, "condition">): Terms {
  const reading = parseTerms(request.condition);
  if (!reading.ok) throw new DomainError("condition_unknown", reading.detail);
  return reading.terms;
}

/** Milliseconds that a discharge under these terms lives. */
export function lifeOf({ options }: Terms): number {
  return (options.life ?? DEFAULT_LIFE) * 1000;
}

/** When a program's login ends that a request was for. It is told to the person before they say yes. */
export function loginEndOf({ askedAt }: Pick<DischargeRequest, "askedAt">): number {
  return askedAt + BAKERY_LOGIN_LIFE;
}

/** The answer about a request with a dead token, for people and askers. */
export const TOKEN_REVOKED = "the token that this is for has been revoked";

/** A request's state at an instant, revocations aside. */
export function stateAt(
  { state, expiresAt, withdrawnAt }: Pick<DischargeRequest, "state" | "expiresAt" | "withdrawnAt">,
  now: number,
): RequestState {
  if (withdrawnAt !== null) return "withdrawn";
  return state === "pending" && expiresAt <= now ? "expired" : state;
}

/** When the discharge of a request ends that was granted; null for all others. Unix milliseconds. */
export function endOf(
  request: Pick<DischargeRequest, "state" | "decidedAt" | "condition" | "allowance">,
): number | null {
  const { state, decidedAt, allowance } = request;
  if (state !== "granted" || decidedAt === null) return null;
  const end = decidedAt + lifeOf(termsOf(request));
  return Math.min(end, allowance?.until ?? end);
}

/** The purpose under which a request's secret parts are sealed. */
export function requestPurpose(hasCaveats: boolean): string {
  return hasCaveats ? PURPOSE_WITH_CAVEATS : PURPOSE;
}

/** Seals and opens the secret parts of a request. */
export function requestSealing(sealing: Sealing) {
  return {
    seal(
      id: string,
      { caveatId, caveatKey, login, dischargeId, caveats, named }: SealedContents,
    ): Uint8Array {
      const text = JSON.stringify([
        Buffer.from(caveatId).toString("base64url"),
        Buffer.from(caveatKey).toString("base64url"),
        login,
        dischargeId,
        caveats,
        named,
      ]);
      return sealing.seal(new TextEncoder().encode(text), requestPurpose(caveats.length > 0), id);
    },
    /**
     * @throws DomainError `gone` for a request that is over; `unavailable` if it does not open here
     * @throws Error if its caveats are not those that people were shown
     */
    open({
      id,
      sealed,
      caveats: shown,
    }: Pick<DischargeRequest, "id" | "sealed" | "caveats">): SealedContents {
      if (sealed === null) throw new DomainError("gone", "this request is over");
      const plain = openKept(sealing, "this request", sealed, requestPurpose(shown.length > 0), id);
      const value: unknown = JSON.parse(new TextDecoder().decode(plain));
      if (!Array.isArray(value)) throw new TypeError("a sealed request of another form");
      const [caveatId, caveatKey, login, dischargeId, caveats = [], named]: readonly unknown[] = value;
      if (JSON.stringify(caveats) !== JSON.stringify(shown)) {
        throw new Error("a request whose caveats are not those that were sealed with it");
      }
      const bytes = (text: unknown) => new Uint8Array(Buffer.from(String(text), "base64url"));
      return {
        caveatId: bytes(caveatId),
        caveatKey: bytes(caveatKey),
        login: login === true,
        dischargeId: typeof dischargeId === "string" ? dischargeId : null,
        caveats: shown,
        named: named === true,
      };
    },
  };
}

/** Characters of a reason that an answer repeats: all that a person can give. */
const REASON_CHARACTERS = 500;

/** What whoever asked is told of a no: also why, where the person says so. */
export function denialOf({ decisions }: Pick<DischargeRequest, "decisions">): DomainError {
  const reason = decisions.find(({ approved }) => !approved)?.reason ?? null;
  const said = "the person who was asked said no";
  return new DomainError("denied", reason === null ? said : `${said}: ${quote(reason, REASON_CHARACTERS)}`);
}
