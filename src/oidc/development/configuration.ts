import type { IncomingMessage } from "node:http";

import type { Client, Context, Grant } from "oidc-provider/lib/provider.js";

import type { Account } from "./accounts.ts";
import { deviceCodePage, deviceConfirmPage, messagePage } from "./pages.ts";
import type { SigningKey } from "./signing-keys.ts";

/** The applications that log in here. Both are public clients and use PKCE. */
export interface Clients {
  readonly web: { readonly id: string; readonly redirectUri: string };
  /** Comes back to `/callback` on any loopback port (RFC 8252 §7.3), or uses the device flow (RFC 8628). */
  readonly cli: { readonly id: string };
}

/** Settings of {@link configuration}. */
export interface ConfigurationOptions {
  /** The path that the provider is mounted at. */
  readonly prefix: string;
  readonly keys: readonly SigningKey[];
  readonly cookieKeys: readonly string[];
  readonly clients: Clients;
  readonly findAccount: (subject: string) => Account | undefined;
  /** The code that a device's address carries, of letters, digits and hyphens. */
  readonly userCode: (request: IncomingMessage) => string | undefined;
}

const SCOPES = "openid profile email groups";
const HOUR = 3_600;

/** The configuration of oidc-provider: the flows that Bakehouse uses and no other, and pages of our own. */
export async function configuration(options: ConfigurationOptions): Promise<unknown> {
  const { createMemoryAdapter } = await import("oidc-provider/lib/adapters/memory_adapter.js");
  const { prefix, clients } = options;
  return {
    adapter: createMemoryAdapter(),
    jwks: { keys: options.keys.map((key) => ({ ...key })) },
    clients: [
      {
        client_id: clients.web.id,
        application_type: "web",
        redirect_uris: [clients.web.redirectUri],
        grant_types: ["authorization_code"],
      },
      {
        client_id: clients.cli.id,
        application_type: "native",
        redirect_uris: ["127.0.0.1", "localhost", "[::1]"].map((host) => `http://${host}/callback`),
        grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
      },
    ],
    clientDefaults: {
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
      require_auth_time: true,
    },
    scopes: ["openid"],
    claims: {
      openid: ["sub"],
      profile: ["name"],
      email: ["email", "email_verified"],
      groups: ["groups"],
      auth_time: null,
      iss: null,
    },
    // Claims belong in the ID token here: as a bearer credential it is all that the service sees.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    cookies: {
      names: {
        session: "bakehouse_dev_idp_session",
        interaction: "bakehouse_dev_idp_interaction",
        resume: "bakehouse_dev_idp_resume",
      },
      keys: [...options.cookieKeys],
      long: { httpOnly: true, sameSite: "lax", path: `${prefix}/` },
      short: { httpOnly: true, sameSite: "lax" },
    },
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      DeviceCode: 10 * 60,
      IdToken: HOUR,
      Interaction: HOUR,
      Session: 8 * HOUR,
      Grant: 8 * HOUR,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (context: Context, form: string, _out: unknown, error?: DeviceError) =>
          show(
            context,
            deviceCodePage({ form, problem: problemOf(error), code: options.userCode(context.req) }),
          ),
        userCodeConfirmSource,
        successSource: (context: Context) =>
          show(context, messagePage("Logged in", "You can close this page and go back to your device.")),
      },
    },
    interactions: {
      policy: await loginOnly(),
      url: (_context: Context, interaction: { readonly uid: string }) =>
        `${prefix}/interaction/${interaction.uid}`,
    },
    loadExistingGrant,
    findAccount(_context: Context, subject: string) {
      const account = options.findAccount(subject);
      if (account === undefined) return undefined;
      return { accountId: account.subject, claims: () => claimsOf(account) };
    },
    renderError(context: Context, out: { readonly error: string; readonly error_description?: string }) {
      show(context, messagePage("This did not work", out.error_description ?? out.error));
    },
  };
}

function claimsOf({ subject, name, email, groups }: Account): Record<string, unknown> {
  const mail = email === null ? {} : { email, email_verified: true };
  return { sub: subject, name, groups, ...mail };
}

/** No consent is asked for: both applications are this service's own. */
async function loginOnly(): Promise<unknown> {
  const { base, Check } = await import("oidc-provider/lib/helpers/interaction_policy/index.js");
  const policy = base();
  policy.remove("consent");
  // Anyone on the machine can listen on a loopback port under the command line's client id, and PKCE does
  // not tell programs apart; so it never gets a token without a human at the page (RFC 8252 §8.6).
  policy
    .get("login")
    ?.checks.add(
      new Check(
        "native_client",
        "a command line's login needs a human",
        "login_required",
        ({ oidc }) => oidc.client.applicationType === "native" && oidc.result?.login === undefined,
      ),
    );
  return policy;
}

/** The session's grant, or a new one of all scopes. */
async function loadExistingGrant({ oidc }: Context): Promise<Grant | undefined> {
  const { provider, client, session, account } = oidc;
  if (account === undefined) return undefined;
  const known = session.grantIdFor(client.clientId);
  const existing = known === undefined ? undefined : await provider.Grant.find(known);
  if (existing !== undefined) return existing;
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.addOIDCScope(SCOPES);
  await grant.save();
  return grant;
}

interface DeviceError {
  readonly name: string;
}

function problemOf(error: DeviceError | undefined): string | undefined {
  if (error === undefined) return undefined;
  if (error.name === "AbortedError") return "The login was refused.";
  return "That code is not valid. It may have expired or been used already.";
}

function userCodeConfirmSource(
  context: Context,
  form: string,
  client: Client,
  _device: unknown,
  userCode: string,
): void {
  show(context, deviceConfirmPage(form, client.clientName ?? client.clientId, userCode));
}

function show(context: Context, page: unknown): void {
  context.type = "html";
  context.body = String(page);
}
