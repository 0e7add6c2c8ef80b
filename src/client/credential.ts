import { compileCaveat } from "../caveats/condition.ts";
import { earliestExpiry } from "../caveats/expiry.ts";
import { decodeBundle } from "../macaroon/index.ts";
import { BakehouseError } from "./error.ts";

/** Milliseconds that this machine's clock may be ahead of the service's. */
const CLOCK_SKEW = 5 * 60_000;

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
  const since = `the credential has expired, at ${new Date(end).toISOString().replace(/\.\d+Z$/, "Z")}`;
  return text.includes(".")
    ? `${since}: log in again`
    : `${since}: a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue`;
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
