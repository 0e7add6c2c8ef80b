import { createHash, randomBytes } from "node:crypto";

import { createBrowser } from "../support/browser.ts";

const REDIRECT = "http://127.0.0.1:45678/callback";

/** What a command line gets that logs a person in through the pages. */
export interface Credentials {
  readonly idToken: string;
  readonly accessToken: string;
  readonly code: string;
  readonly codeVerifier: string;
}

/** Logs a person in as a command line does: authorization code with PKCE, to a loopback address. */
export async function logInFromCommandLine(url: string, name: string): Promise<Credentials> {
  const codeVerifier = randomBytes(32).toString("base64url");
  const address = new URL(`${url}/dev-idp/auth`);
  address.search = new URLSearchParams({
    client_id: "bakehouse-cli",
    response_type: "code",
    redirect_uri: REDIRECT,
    scope: "openid profile email groups",
    code_challenge: createHash("sha256").update(codeVerifier).digest("base64url"),
    code_challenge_method: "S256",
    state: "state",
  }).toString();
  const browser = createBrowser({ stopAt: (at) => at.href.startsWith(REDIRECT) });
  const page = await browser.get(address);
  const back = await browser.submit(page.form(), { name });
  const code = back.url.searchParams.get("code") ?? "";
  const body = new URLSearchParams({
    client_id: "bakehouse-cli",
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT,
    code_verifier: codeVerifier,
  });
  const response = await fetch(`${url}/dev-idp/token`, { method: "POST", body });
  const answer: unknown = await response.json();
  const member = (name: string): string => {
    const value = typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
    if (typeof value !== "string")
      throw new Error(`the token endpoint answered ${response.status} without ${name}`);
    return value;
  };
  return { idToken: member("id_token"), accessToken: member("access_token"), code, codeVerifier };
}
