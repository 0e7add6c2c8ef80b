import { createServer, type Server } from "node:http";

import * as oidc from "openid-client";

import { printable } from "../caveats/values/quote.ts";
import { isPrivateChannel } from "../client/origin.ts";
import { CommandError, EXIT } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** Where a person logs in. */
interface Place {
  readonly issuer: string;
  readonly clientId: string;
  readonly openBrowser: boolean;
}

/** What is asked for there. */
interface Asked extends Place {
  /** How a person knows the place. */
  readonly who: string;
  /** Parameters of the request. */
  readonly wanted: Readonly<Record<string, string>>;
  readonly isOpenId: boolean;
}

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

/** A token of a Bakehouse service. */
export interface Granted {
  readonly token: string;
  /** As it was granted; undefined for what was asked for. */
  readonly scope: string | undefined;
}

/** A person after the login. */
export interface LoggedIn {
  readonly idToken: string;
  readonly expiresAt: Date;
  readonly name: string;
}

const SCOPE = "openid profile email groups";

/** Milliseconds that a person may take in the browser. */
const PATIENCE = 5 * 60_000;

/** Seconds that a person may take on another device, even if the issuer allows more. */
const DEVICE_PATIENCE = 30 * 60;

/** Seconds between two questions whether the person is done: an issuer may ask for more, but for no tight loop. */
const LEAST_INTERVAL = 1;
const MOST_INTERVAL = 60;

async function discover({ issuer, clientId, who, isOpenId }: Asked): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  const onThisMachine = url.protocol === "http:";
  if (!isPrivateChannel(url)) throw new CommandError(EXIT.failed, `${who} is not https`);
  return oidc.discovery(url, clientId, undefined, oidc.None(), {
    ...(!isOpenId && { algorithm: "oauth2" }),
    ...(onThisMachine && { execute: [oidc.allowInsecureRequests] }),
  });
}

/**
 * Logs a person in at their identity provider: in a browser on this machine, or with a code on another device if that was asked for,
 * or if there is no browser here that could come back, and the issuer knows such codes.
 */
export async function logIn(terminal: Terminal, place: Place, onDevice: boolean): Promise<LoggedIn> {
  const wanted = { scope: SCOPE };
  const asked = { ...place, who: "the identity provider", wanted, isOpenId: true };
  return loggedIn(await ask(terminal, asked, onDevice));
}

/**
 * Has a person log in at a service and let a client have a token for a resource, in the same two ways.
 *
 * @param place the service as its own authorization server
 * @param wanted `resource` and `scope`, each where it was said
 */
export async function logInForToken(
  terminal: Terminal,
  place: Place,
  wanted: Readonly<Record<string, string>>,
  onDevice: boolean,
): Promise<Granted> {
  const asked = { ...place, who: "the service", wanted, isOpenId: false };
  const { access_token: token, scope } = await ask(terminal, asked, onDevice);
  return { token, scope };
}

async function ask(terminal: Terminal, asked: Asked, onDevice: boolean): Promise<Tokens> {
  try {
    const configuration = await discover(asked);
    const knowsDevices = configuration.serverMetadata().device_authorization_endpoint !== undefined;
    if (onDevice && !knowsDevices)
      throw new CommandError(EXIT.failed, `${asked.who} has no login by device code`);
    const byDevice = onDevice || (asked.openBrowser && !terminal.hasBrowser && knowsDevices);
    return await (byDevice ? loginByDevice : loginByBrowser)(terminal, configuration, asked);
  } catch (error) {
    throw loginError(error, asked);
  }
}

/** A login in a browser on this machine: authorization code with PKCE, back to loopback (RFC 8252 §7.3). */
async function loginByBrowser(
  terminal: Terminal,
  configuration: oidc.Configuration,
  { wanted, isOpenId, openBrowser }: Asked,
): Promise<Tokens> {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = isOpenId ? oidc.randomNonce() : undefined;
  const { server, port, callback } = await listen(state, terminal.signal);
  try {
    const url = oidc.buildAuthorizationUrl(configuration, {
      ...wanted,
      redirect_uri: `http://127.0.0.1:${port}/callback`,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      ...(nonce !== undefined && { nonce }),
    });
    const opened = openBrowser && (await terminal.openBrowser(url.href));
    terminal.say(
      opened ? "bakehouse: log in in the browser, or open" : "bakehouse: open this page and log in",
    );
    terminal.say(url.href);
    const came = await callback;
    const checks = { pkceCodeVerifier: verifier, expectedState: state };
    const expected = nonce !== undefined && { expectedNonce: nonce, idTokenExpected: true };
    const { resource } = wanted;
    return await oidc.authorizationCodeGrant(
      configuration,
      came,
      { ...checks, ...expected },
      // The service wants it at both of its endpoints (RFC 8707 §2.2).
      resource === undefined ? undefined : { resource },
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** A login with a code on another device (RFC 8628). */
async function loginByDevice(
  terminal: Terminal,
  configuration: oidc.Configuration,
  { wanted, who }: Asked,
): Promise<Tokens> {
  const { signal } = terminal;
  const started = await oidc.initiateDeviceAuthorization(configuration, { ...wanted });
  const { user_code: code, interval = 5, expires_in } = started;
  // The text behind the page's address must not look like more than a code (§6.1).
  if (!/^[\x21-\x7e]{1,40}$/.test(code)) {
    throw new CommandError(EXIT.failed, `${who}'s code cannot be typed`);
  }
  terminal.say(`bakehouse: open ${webPage(started.verification_uri, who)} and enter ${code}`);
  const life = AbortSignal.timeout(Math.min(expires_in, DEVICE_PATIENCE) * 1000);
  const polling = { ...started, interval: Math.min(Math.max(interval, LEAST_INTERVAL), MOST_INTERVAL) };
  try {
    return await oidc.pollDeviceAuthorizationGrant(configuration, polling, undefined, {
      signal: AbortSignal.any([signal, life]),
    });
  } catch (error) {
    // The library would say only that it was stopped, and not by which of the two.
    signal.throwIfAborted();
    // With a signal it no longer counts the code's life itself, and an issuer may answer "pending" for ever.
    if (life.aborted) throw new CommandError(EXIT.unavailable, TOO_LATE);
    throw error;
  }
}

const TOO_LATE = "nobody has logged in while the code was good";

/** A page that a person is told to open comes from outside. */
function webPage(text: string, who: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isPrivateChannel(url) || url.username !== "") {
    throw new CommandError(EXIT.failed, `${who} names no safe page to open`);
  }
  return url.href;
}

function loggedIn(tokens: Tokens): LoggedIn {
  const claims = tokens.claims();
  if (tokens.id_token === undefined || claims === undefined) {
    throw new CommandError(EXIT.failed, "the identity provider gave no ID token");
  }
  const expiresAt = new Date(claims.exp * 1000);
  if (Number.isNaN(expiresAt.getTime())) {
    throw new CommandError(EXIT.failed, "the identity provider's ID token has no end that a calendar knows");
  }
  const name = [claims["email"], claims["name"], claims.sub].find((claim) => typeof claim === "string");
  return { idToken: tokens.id_token, expiresAt, name: printable(String(name), MOST_NAME) };
}

/** Characters of an issuer's text that are repeated. */
const MOST_NAME = 200;

/** The message of a library's error may quote text from outside: only its code is repeated. */
function loginError(error: unknown, { who, isOpenId }: Asked): unknown {
  const isService = !isOpenId;
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  if (error.name === "AbortError") return error;
  const refused = "error" in error && typeof error.error === "string" ? error.error : undefined;
  if (refused === "expired_token") {
    return new CommandError(EXIT.unavailable, TOO_LATE);
  }
  if (refused !== undefined) {
    const why = "error_description" in error ? error.error_description : undefined;
    // What a person is told of their own service's reasons helps them; an identity provider's may be anybody's text.
    const reason = isService && typeof why === "string" ? `${refused}: ${why}` : refused;
    return new CommandError(EXIT.unauthorised, `${who} said no: ${printable(reason, MOST_NAME)}`);
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (code === "OAUTH_WWW_AUTHENTICATE_CHALLENGE") {
    return new CommandError(EXIT.unauthorised, `${who} does not know the client, or wants a proof of it`);
  }
  return new CommandError(EXIT.unavailable, `the login did not work (${printable(code, MOST_NAME)})`);
}

/** Waits on a port of loopback for the browser to come back. */
async function listen(state: string, signal: AbortSignal) {
  let resolve: (url: URL) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const callback = new Promise<URL>((done, fail) => {
    [resolve, reject] = [done, fail];
  });
  callback.catch(() => {}); // whoever listens awaits it later
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.setHeader("cache-control", "no-store");
    // Any page can send a browser here: only an answer to this very login is heard.
    if (request.method !== "GET" || url.pathname !== "/callback" || url.searchParams.get("state") !== state) {
      response.statusCode = 404;
      response.end("Nothing is here.\n");
      return;
    }
    response.end("You can close this page and go back to the terminal.\n");
    url.port = String(portOf(server));
    resolve(url);
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", done);
  });
  const timer = setTimeout(
    () => reject(new CommandError(EXIT.unavailable, "nobody has logged in within five minutes")),
    PATIENCE,
  );
  timer.unref();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return { server, port: portOf(server), callback };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
