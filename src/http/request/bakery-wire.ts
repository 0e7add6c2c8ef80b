import { decodeBase64, MacaroonError } from "../../macaroon/index.ts";
import { onlyCookie } from "../parts/cookies.ts";
import { type Reply, ThrownReply } from "../parts/reply.ts";
import type { HttpContext, HttpRequest } from "./context.ts";

/*
 * macaroon-bakery's HTTP protocol (its `httpbakery`), as its stock clients read it. They compare header values
 * character by character and take nothing but what their own servers write, so neither may change here.
 */

/** What names the login's cookie: `macaroon-` and this. */
const COOKIE_SUFFIX = "bakehouse";

/** Largest presented bundle, characters of base64. */
const MOST = 96 * 1024;

const EXACT_JSON = { "content-type": "application/json" } as const;
const CHALLENGE = { "www-authenticate": "Macaroon" } as const;

/** Whether a client says that it speaks the protocol. One that does not would not know what to do with its answers. */
export function speaksBakery(request: HttpRequest): boolean {
  return /^[1-9][0-9]{0,3}$/.test(request.headers.get("bakery-protocol-version") ?? "");
}

/** A macaroon in the protocol's envelope. @param macaroon v2 JSON */
function envelope(macaroon: string): string {
  return `{"m":${macaroon},"v":3,"ns":"std:"}`;
}

/** The answer that asks a client to log in: by getting this macaroon discharged. */
export async function dischargeRequired({ service }: HttpContext): Promise<ThrownReply> {
  const macaroon = envelope(await service.bakery.challenge());
  const info = `{"Macaroon":${macaroon},"MacaroonPath":"/","CookieNameSuffix":"${COOKIE_SUFFIX}"}`;
  return new ThrownReply({
    status: 401,
    body: `{"Code":"macaroon discharge required","Message":"discharge required","Info":${info}}`,
    headers: { ...EXACT_JSON, ...CHALLENGE },
    code: "unauthenticated",
  });
}

/** A discharge. @param macaroon v2 JSON */
export function discharged(macaroon: string): Reply {
  return { status: 200, body: `{"Macaroon":${envelope(macaroon)}}`, headers: EXACT_JSON };
}

/** That a person has to act first. */
export function interactionRequired(visitUrl: string, waitTokenUrl: string, message: string): Reply {
  const methods = { "browser-window": { VisitURL: visitUrl, WaitTokenURL: waitTokenUrl } };
  const body = { Code: "interaction required", Message: message, Info: { InteractionMethods: methods } };
  return { status: 401, body: JSON.stringify(body), headers: { ...EXACT_JSON, ...CHALLENGE } };
}

/** A refusal. */
export function bakeryRefusal(status: number, code: string, message: string): Reply {
  return { status, body: JSON.stringify({ Code: code, Message: message }), headers: EXACT_JSON, code };
}

/**
 * The macaroons that a client presents, in the header `Macaroons` or in its cookie.
 *
 * @returns a JSON array of macaroons; undefined if there are none that could be this service's
 */
export function presentedMacaroons(request: HttpRequest): string | undefined {
  const text = request.headers.get("macaroons") ?? cookieValue(request.headers.get("cookie"));
  if (text === undefined || text.length > MOST) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(decodeBase64(text));
  } catch (error) {
    if (error instanceof MacaroonError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function cookieValue(header: string | null): string | undefined {
  // Python's clients quote a value that ends in padding.
  return onlyCookie(header, `macaroon-${COOKIE_SUFFIX}`)?.replace(/^"(.*)"$/, "$1");
}
