import { createHash } from "node:crypto";

import { OAuthError } from "../oauth-error.ts";
import type { ClientRequest } from "../oauth-service.ts";
import { readBasic } from "../parts/basic-credentials.ts";
import type { Clock } from "../ports/clock.ts";
import type { ClientAuthMethod } from "../ports/oauth.ts";
import type { Store } from "../ports/store.ts";
import type { Client } from "./client.ts";
import { ASSERTION_TYPE, readAssertion } from "./client-assertion.ts";
import type { ClientAssertions } from "./outside.ts";
import { isSecret } from "./secrets.ts";

/** Parameters of a form, each as it came: a repeated one was refused. */
export type FormParameters = ReadonlyMap<string, string>;

/** How a request says that it is a client's. Nothing is proven yet. */
export interface Credentials {
  readonly clientId: string;
  readonly method: ClientAuthMethod;
  /** The secret, or the assertion; empty for `none`. */
  readonly proof: string;
}

/** Longest client id and secret that are looked at, characters. */
const LONGEST = 1_024;

const invalid = (why: string) => new OAuthError("invalid_client", why);
const wrong = (why: string) => new OAuthError("invalid_request", why);

/** The parameters of a form, each of which came once and with a value. @throws OAuthError */
export function formOf({ parameters }: Pick<ClientRequest, "parameters">): FormParameters {
  const form = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (seen.has(name)) {
      throw name === "resource"
        ? new OAuthError("invalid_target", "resource must be exactly one")
        : wrong("a parameter is repeated");
    }
    seen.add(name);
    if (value !== "") form.set(name, value);
  }
  return form;
}

/** The client that an assertion says it is from, unproven. */
function subjectOf(assertion: string): string | undefined {
  try {
    const payload = Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString("utf8");
    const { sub } = JSON.parse(payload) as { readonly sub?: unknown };
    return typeof sub === "string" ? sub : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads how a request authenticates (RFC 6749 §2.3, RFC 7523 §2.2).
 *
 * @throws OAuthError for none, for two ways at once, or for two client ids
 */
export function readCredentials(
  form: FormParameters,
  { authorization }: Pick<ClientRequest, "authorization">,
): Credentials {
  const named = form.get("client_id");
  const secret = form.get("client_secret");
  const assertion = form.get("client_assertion");
  const type = form.get("client_assertion_type");
  if ([authorization, secret, assertion].filter((one) => one !== undefined).length > 1) {
    throw wrong("a client authenticates in one way");
  }
  if ((assertion === undefined) !== (type === undefined)) {
    throw wrong("client_assertion and client_assertion_type go together");
  }
  const read = (): Credentials => {
    if (authorization !== undefined) {
      const basic = readBasic(authorization);
      if (basic === undefined) throw invalid("the Authorization header is not Basic, or is malformed");
      return { clientId: basic.id, method: "client_secret_basic", proof: basic.secret };
    }
    if (assertion !== undefined) {
      if (type !== ASSERTION_TYPE) throw wrong("client_assertion_type is not known");
      const clientId = named ?? subjectOf(assertion);
      if (clientId === undefined) throw invalid("the client assertion names no client");
      return { clientId, method: "private_key_jwt", proof: assertion };
    }
    if (named === undefined) throw invalid("client_id is missing");
    return secret === undefined
      ? { clientId: named, method: "none", proof: "" }
      : { clientId: named, method: "client_secret_post", proof: secret };
  };
  const credentials = read();
  if (named !== undefined && named !== credentials.clientId) throw wrong("two clients are named");
  const { clientId, method, proof } = credentials;
  if (clientId === "" || clientId.length > LONGEST) throw invalid("client_id is malformed");
  if (method !== "private_key_jwt" && proof.length > LONGEST) throw invalid("the secret is malformed");
  return credentials;
}

/** As {@link readCredentials}, of a grant that needs no client. @returns undefined for a request that names none */
export function readOptionalCredentials(
  form: FormParameters,
  request: Pick<ClientRequest, "authorization">,
): Credentials | undefined {
  const names = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];
  const isNamed = request.authorization !== undefined || names.some((name) => form.has(name));
  return isNamed ? readCredentials(form, request) : undefined;
}

/**
 * Makes the check that a request is a client's.
 *
 * @param publicUrl the issuer, for which alone an assertion may be
 * @returns resolves if it is, rejects with an OAuthError `invalid_client` if it is not
 */
export function createClientAuthentication(options: {
  readonly store: Pick<Store, "usedAssertions">;
  readonly clock: Pick<Clock, "now">;
  readonly clientAssertions: ClientAssertions;
  readonly publicUrl: string;
}): (client: Client, credentials: Credentials) => Promise<void> {
  const { store, clock, clientAssertions, publicUrl } = options;

  async function requireAssertion(client: Client, assertion: string): Promise<void> {
    const claims = client.jwks === null ? undefined : await clientAssertions.verify(assertion, client.jwks);
    if (claims === undefined) throw invalid("the client assertion's signature is not the client's");
    const reading = readAssertion(claims, client.id, publicUrl, clock.now());
    if (!reading.ok) throw invalid(`the client assertion is no good: ${reading.why}`);
    const hash = createHash("sha256")
      .update(`bakehouse client assertion v1\0${client.id}\0${reading.jti}`)
      .digest();
    if (await store.usedAssertions.use(new Uint8Array(hash), reading.until)) return;
    throw invalid("the client assertion was used before");
  }

  return async (client, { method, proof }) => {
    // One way for each client: with a second, a stolen proof of the weaker one would do.
    if (method !== client.authMethod) throw invalid("the client does not authenticate in this way");
    if (method === "none") return;
    if (method === "private_key_jwt") return requireAssertion(client, proof);
    if (client.secretHash === null || !isSecret(proof, client.secretHash)) {
      throw invalid("the client's secret is another");
    }
  };
}
