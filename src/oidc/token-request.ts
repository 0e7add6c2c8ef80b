import * as client from "openid-client";

import type { LoginAttempt } from "../domain/ports/identity.ts";
import { isObject } from "./issuer-metadata.ts";

/** The tokens of a finished login. */
export interface Tokens {
  readonly accessToken: string;
  /** Not looked at yet; undefined if the issuer gave none. */
  readonly idToken: string | undefined;
}

/**
 * Redeems the code that the browser came back with (OpenID Connect Core §3.1.3, RFC 7636, RFC 9207).
 *
 * The ID token is taken out of the answer before openid-client reads it. Its checks are a part of those that every ID
 * token goes through here, and they refuse what providers really write: `auth_time` as a text, an issuer that is a
 * template.
 *
 * Rejects with openid-client's errors.
 */
export async function redeemCode(
  config: client.Configuration,
  callback: URL,
  attempt: LoginAttempt,
): Promise<Tokens> {
  const send = config[client.customFetch];
  if (send === undefined) throw new TypeError("the configuration has no fetch");
  let idToken: string | undefined;
  config[client.customFetch] = async (url, init) => {
    const response = await send(url, init);
    if (response.status !== 200) return response;
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (!isObject(body)) return response;
    const { id_token, ...rest } = body;
    idToken = typeof id_token === "string" ? id_token : undefined;
    return new Response(JSON.stringify(rest), { status: 200, headers: response.headers });
  };
  try {
    const answer = await client.authorizationCodeGrant(config, callback, {
      expectedState: attempt.state,
      pkceCodeVerifier: attempt.codeVerifier,
    });
    return { accessToken: answer.access_token, idToken };
  } finally {
    config[client.customFetch] = send;
  }
}
