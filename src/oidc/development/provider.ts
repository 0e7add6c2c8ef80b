import type { IncomingMessage, ServerResponse } from "node:http";

import { isLoopbackHost } from "../../domain/access/this-machine.ts";
import { createAccounts } from "./accounts.ts";
import { type Clients, configuration } from "./configuration.ts";
import { DEVELOPMENT_PATH, developmentIssuer } from "./issuer.ts";
import { refusalOf } from "./local-only.ts";
import { createLogin } from "./login.ts";
import { contentSecurityPolicy } from "./pages.ts";
import { sendText } from "./respond.ts";
import { ensureSigningKeys, type SigningKeys } from "./signing-keys.ts";

/** Longest path and query, bytes: an authorization request takes about one kilobyte. */
const LONGEST_TARGET = 16 * 1024;

/** Options of {@link createDevelopmentProvider}. */
export interface DevelopmentProviderOptions {
  /** `PUBLIC_URL`: http on this machine. */
  readonly publicUrl: string;
  /** The place of the keys that sign ID tokens. */
  readonly signingKeys: SigningKeys;
  /** Secrets that sign the provider's cookies. They may be new at every start: sessions are in memory anyway. */
  readonly cookieKeys: readonly string[];
  readonly clients: Clients;
  /** Told of faults in the provider, which the caller sees as "server_error" only. */
  readonly onFault?: (error: unknown) => void;
}

/** The development identity provider. */
export interface DevelopmentProvider {
  readonly issuer: string;
  /** Whether a request's path is the provider's. */
  owns(path: string): boolean;
  /** Answers a request. Never rejects. The request's body must not have been read. */
  handler(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/**
 * Makes an OpenID Connect issuer that lets anyone in as anyone, for work on one machine: it answers
 * only this machine.
 *
 * Sessions, codes and the fields of the login page are kept in memory and end with the process;
 * signing keys stay, so ID tokens outlive a restart. The library behind it is loaded here, not before.
 *
 * @throws TypeError if `publicUrl` is not http on this machine
 */
export async function createDevelopmentProvider(
  options: DevelopmentProviderOptions,
): Promise<DevelopmentProvider> {
  const url = URL.parse(options.publicUrl);
  if (url === null || url.protocol !== "http:" || !isLoopbackHost(url.hostname)) {
    throw new TypeError(
      "the development identity provider needs a public address that is http on a loopback host",
    );
  }
  const issuer = developmentIssuer(options.publicUrl);
  const prefix = `${url.pathname.replace(/\/$/, "")}${DEVELOPMENT_PATH}`;
  const onFault = options.onFault ?? (() => {});

  const keys = await ensureSigningKeys(options.signingKeys);
  const accounts = createAccounts();
  const userCodes = new WeakMap<IncomingMessage, string>();
  const { Provider } = await import("oidc-provider/lib/provider.js");
  const provider = new Provider(
    issuer,
    await configuration({
      prefix,
      keys,
      cookieKeys: options.cookieKeys,
      clients: options.clients,
      findAccount: accounts.find,
      userCode: (request) => userCodes.get(request),
    }),
  );
  // Without listeners the library prints faults to the console.
  provider.on("error", onFault);
  provider.on("server_error", (_context, error) => onFault(error));
  const serve = provider.callback();
  const login = createLogin({
    provider,
    clientNames: new Map([
      [options.clients.web.id, "Bakehouse"],
      [options.clients.cli.id, "the Bakehouse command line"],
    ]),
    put: accounts.put,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      return sendText(
        response,
        403,
        `the development identity provider serves this machine only: ${refusal}`,
      );
    }
    // An absolute address in the request line would be believed by the library.
    const target = request.url ?? "";
    const path = target.split("?", 1)[0] ?? "";
    if (!owns(path)) return sendText(response, 404, "not found");
    if (target.length > LONGEST_TARGET) return sendText(response, 414, "the address is too long");

    response.setHeader("content-security-policy", contentSecurityPolicy());
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("x-frame-options", "DENY");
    // Not "no-referrer": under it browsers send "Origin: null" with forms.
    response.setHeader("referrer-policy", "same-origin");

    const interaction = path.slice(prefix.length).match(/^\/interaction\/([\w-]+)$/)?.[1];
    if (interaction !== undefined) return login(request, response, interaction);
    // Addresses in documents and redirects are made from the Host header: one spelling of it for all.
    request.headers.host = url?.host;
    Object.assign(request, { baseUrl: prefix });
    request.url = target.slice(prefix.length) || "/";
    if (path === `${prefix}/device` && request.method === "GET") {
      // With the code in its address the library would make a page that submits itself by script.
      const code = new URLSearchParams(target.slice(path.length)).get("user_code");
      if (code !== null && /^[A-Za-z0-9-]{1,32}$/.test(code)) userCodes.set(request, code);
      request.url = "/device";
    }
    await serve(request, response);
  }

  function owns(path: string): boolean {
    return path === prefix || path.startsWith(`${prefix}/`);
  }

  return {
    issuer,
    owns,
    async handler(request, response) {
      try {
        await answer(request, response);
      } catch (error) {
        onFault(error);
        if (response.headersSent) response.destroy();
        else sendText(response, 500, "the development identity provider failed");
      }
    },
  };
}
