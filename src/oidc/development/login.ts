import type { IncomingMessage, ServerResponse } from "node:http";

import type { Provider } from "oidc-provider/lib/provider.js";

import { isLoopbackHost } from "../../domain/access/this-machine.ts";
import { type Account, readAccount } from "./accounts.ts";
import { contentSecurityPolicy, loginPage, messagePage } from "./pages.ts";
import { readForm, sendHtml, sendText } from "./respond.ts";

/** Options of {@link createLogin}. */
export interface LoginOptions {
  readonly provider: Provider;
  readonly clientNames: ReadonlyMap<string, string>;
  /** Keeps an account until its claims are asked for. */
  readonly put: (account: Account) => void;
}

/** Serves the login page of one interaction. */
export function createLogin({ provider, clientNames, put }: LoginOptions) {
  return async (request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> => {
    if (request.method !== "GET" && request.method !== "HEAD" && request.method !== "POST") {
      response.setHeader("allow", "GET, HEAD, POST");
      return sendText(response, 405, "method not allowed");
    }
    let interaction: Awaited<ReturnType<Provider["interactionDetails"]>>;
    try {
      interaction = await provider.interactionDetails(request, response);
    } catch {
      return expired(response);
    }
    // The cookie decides; an address that someone else sent does not.
    if (interaction.uid !== uid || interaction.prompt.name !== "login") return expired(response);

    const clientId = interaction.params["client_id"];
    const client = (typeof clientId === "string" ? clientNames.get(clientId) : undefined) ?? "an application";
    const policy = contentSecurityPolicy(formTargets(interaction.params["redirect_uri"]));
    if (request.method !== "POST") return sendHtml(response, 200, loginPage({ client }), policy);

    if (!isSameOrigin(request)) return sendText(response, 403, "the form was sent from another origin");
    const form = await readForm(request);
    if (form === undefined) return sendText(response, 400, "the form is malformed or too large");
    const reading = readAccount(form);
    if (!reading.ok) {
      const values = {
        name: form.get("name") ?? "",
        email: form.get("email") ?? "",
        groups: form.get("groups") ?? "",
      };
      return sendHtml(response, 400, loginPage({ client, problem: reading.problem, values }), policy);
    }

    const { account } = reading;
    put(account);
    await leaveOtherAccount(provider, interaction, account);
    const login = { accountId: account.subject, amr: ["user"], acr: "urn:bakehouse:development" };
    const returnTo = await provider.interactionResult(request, response, { login });
    response.writeHead(303, { location: returnTo, "content-security-policy": policy }).end();
  };
}

/**
 * Ends the session of another account. oidc-provider would do it with a page that submits itself by
 * script; here nothing runs scripts.
 */
async function leaveOtherAccount(
  provider: Provider,
  interaction: Awaited<ReturnType<Provider["interactionDetails"]>>,
  account: Account,
): Promise<void> {
  const { session } = interaction;
  if (session === undefined || session.accountId === account.subject) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  interaction.session = undefined;
  await interaction.persist();
}

/** The one origin besides this that the redirects after the form lead to: a command line's loopback address. */
function formTargets(redirectUri: unknown): readonly string[] {
  const url = typeof redirectUri === "string" ? URL.parse(redirectUri) : null;
  if (url === null || url.protocol !== "http:" || !isLoopbackHost(url.hostname)) return [];
  // The policy's grammar has no IPv6 addresses.
  return [url.hostname.startsWith("[") ? "http:" : url.origin];
}

/** Other ports of this machine are the same site to a browser, so SameSite cookies do not keep them out. */
function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || origin === `http://${host ?? ""}`;
}

function expired(response: ServerResponse): void {
  const page = messagePage(
    "Login expired",
    "This login has ended or was begun in another browser. Please start again.",
  );
  sendHtml(response, 400, page, contentSecurityPolicy());
}
