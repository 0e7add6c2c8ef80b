import { compileCaveat } from "../caveats/condition.ts";
import { earliestExpiry } from "../caveats/expiry.ts";
import { decodeBundle } from "../macaroon/index.ts";
import { BakehouseError } from "./error.ts";
import { readIdentifier } from "./identifier.ts";

/** Milliseconds that this machine's clock may be ahead of the service's. */
const CLOCK_SKEW = 5 * 60_000;

const RENEWAL = "a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue";

const DAY = 86_400_000;

/** Milliseconds before its end from which a credential is warned of. */
const NOTICE = 14 * DAY;

/**
 * Makes the watch over a service credential's end: it warns from two weeks before, of a short-lived one from half of its
 * life on, and then once a day. A login is over within hours, and says so when it is.
 *
 * @param warn told in a sentence, which holds nothing of the credential
 * @returns a function that is told of each use of a credential, at an instant in unix milliseconds
 */
export function createEndWatch(warn: (message: string) => void): (credential: string, now: number) => void {
  let watched: string | undefined;
  let end = Number.POSITIVE_INFINITY;
  let from = Number.POSITIVE_INFINITY;
  return (credential, now) => {
    if (watched !== credential) {
      watched = credential;
      ({ end, from } = noticeOf(credential.trim()));
    }
    if (now < from || now >= end) return;
    from = now + DAY;
    warn(`the credential ends at ${instantText(end)}, in ${restText(end - now)}; ${RENEWAL}`);
  };
}

/** When a credential ends, and from when on that is worth a warning: never, if it does not say. */
function noticeOf(text: string): { readonly end: number; readonly from: number } {
  const end = text.includes(".") ? undefined : endOf(text);
  if (end === undefined) return { end: Number.POSITIVE_INFINITY, from: Number.POSITIVE_INFINITY };
  const decoded = decodeBundle(text);
  const issued = decoded.ok ? readIdentifier(decoded.macaroons[0].identifier)?.issuedAt.getTime() : undefined;
  const life = issued === undefined ? Number.POSITIVE_INFINITY : end - issued;
  return { end, from: end - Math.min(NOTICE, life / 2) };
}

function instantText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

function restText(milliseconds: number): string {
  const hours = Math.max(1, Math.round(milliseconds / 3_600_000));
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours === 1 ? "an hour" : `${hours} hours`;
}

/**
 * Refuses a credential that cannot be one, or is one no more, before anything is sent. Nothing of it is repeated.
 *
 * @param now unix milliseconds
 * @throws BakehouseError `unauthenticated`, without a status
 */
export function checkCredential(credential: string | undefined, now: number): void {
  const fault = faultOf(credential?.trim(), now);
  if (fault !== undefined) throw new BakehouseError("unauthenticated", fault);
}

function faultOf(text: string | undefined, now: number): string | undefined {
  if (text === undefined || text === "") {
    return "the credential is missing: is the variable set that it comes from? Without one, leave `credential` out";
  }
  if (isPath(text)) return "the credential is a path: give what the file holds, such as data/default.token";
  const end = endOf(text);
  if (end === undefined || end + CLOCK_SKEW >= now) return undefined;
  const since = `the credential has expired, at ${instantText(end)}`;
  return text.includes(".") ? `${since}: log in again` : `${since}: ${RENEWAL}`;
}

/** Base64 may hold a slash, but not at such a place, and no credential is as short as a path. */
function isPath(text: string): boolean {
  if (text.length > 250) return false;
  return (
    /^(?:~|\.{1,2})?\/|^[A-Za-z]:\\|^file:/.test(text) || /^[\w./ -]+\.(?:token|txt|json|jwt|key)$/.test(text)
  );
}

/** The instant at which a macaroon or an ID token says that it ends, unix milliseconds; undefined if it says none. */
function endOf(text: string): number | undefined {
  if (text.includes(".")) return endOfIdToken(text);
  const decoded = decodeBundle(text);
  if (!decoded.ok) return undefined;
  const conditions = decoded.macaroons[0].unverifiedCaveats.flatMap(({ id, verificationId }) =>
    verificationId === undefined ? [compileCaveat(id)] : [],
  );
  const end = earliestExpiry(conditions, Number.POSITIVE_INFINITY);
  return Number.isFinite(end) ? end : undefined;
}

function endOfIdToken(text: string): number | undefined {
  const payload = text.split(".")[1] ?? "";
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const isObject = typeof claims === "object" && claims !== null && "exp" in claims;
    return isObject && typeof claims.exp === "number" && Number.isFinite(claims.exp)
      ? claims.exp * 1000
      : undefined;
  } catch {
    return undefined;
  }
}
