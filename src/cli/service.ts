import { type Bakehouse, BakehouseError, createBakehouse } from "../client/index.ts";
import { isPrivateChannel, originOf } from "../client/origin.ts";
import type { Invocation } from "./command.ts";
import { CommandError, EXIT, UsageError } from "./exit.ts";
import { readSource } from "./input.ts";
import { loadLogin } from "./login-file.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";

/** The service's address, checked: nothing secret goes over the network in the clear. */
export async function serviceUrl(invocation: Invocation): Promise<string> {
  const { terminal, text } = invocation;
  const given = text("url") ?? (terminal.env["BAKEHOUSE_URL"] || undefined);
  const url = given ?? (await loadLogin(terminal))?.url ?? DEFAULT_URL;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const what = text("url") === undefined ? "BAKEHOUSE_URL" : "--url";
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    const isHost = /^[a-z0-9.-]{1,100}(?::[0-9]{1,5})?$/i.test(url);
    const here = isHost && isPrivateChannel(new URL(`http://${url}`));
    const near = isHost ? `: ${here ? "http" : "https"}://${url}` : "";
    throw new UsageError(`${what} must be a URL with https://, or http:// on this machine${near}`);
  }
  const isPrivate = isPrivateChannel(parsed);
  if (!isPrivate && !allowsInsecureHttp(invocation)) {
    throw new UsageError(
      `${what} must be https, unless the service is on this machine: where the network between is your own, say --insecure-http`,
    );
  }
  // A path would be left out without a word, and a user name makes one host look like another.
  const origin = originOf(url);
  if (origin === undefined) {
    throw new UsageError(`${what} must be an origin, without a path or a user name: ${parsed.origin}`);
  }
  if (!isPrivate) warnOfPlain(terminal, origin);
  return origin;
}

/** Whether it was said of this very call that plain http will do: of no address is it ever remembered. */
function allowsInsecureHttp({ terminal, flag }: Invocation): boolean {
  const variable = terminal.env["BAKEHOUSE_INSECURE_HTTP"] || undefined;
  if (variable !== undefined && variable !== "true") {
    throw new UsageError("BAKEHOUSE_INSECURE_HTTP must be true, or unset");
  }
  return flag("insecure-http") || variable === "true";
}

/** A command asks for the address more than once, and warns once. */
const warned = new WeakSet<Terminal>();

function warnOfPlain(terminal: Terminal, origin: string): void {
  if (warned.has(terminal)) return;
  warned.add(terminal);
  terminal.say(
    `bakehouse: warning: ${origin} is plain http: anyone on the way can read and change what is sent, credentials too`,
  );
}

async function readCredential(terminal: Terminal, file: string): Promise<string> {
  const credential = (await readSource(terminal, file, "the credential")).trim();
  // It goes into a header, and an error about a text that no header can hold would repeat it.
  if (!/^[\x21-\x7e]+$/.test(credential)) {
    throw new UsageError(
      "the credential's file holds no credential: one is a single line, as in data/default.token",
    );
  }
  return credential;
}

async function credentialFor(invocation: Invocation, url: string): Promise<string | undefined> {
  const { terminal, text } = invocation;
  const file = text("credential") ?? (terminal.env["BAKEHOUSE_CREDENTIAL_FILE"] || undefined);
  if (file !== undefined) return readCredential(terminal, file);
  return loginFor(terminal, url);
}

/** A credential that the command line itself names, or none: for requests that must not name the asker by themselves. */
export async function explicitCredential(invocation: Invocation, url: string): Promise<string | undefined> {
  const { terminal, text, flag } = invocation;
  const file = text("credential");
  if (file !== undefined && flag("as-me"))
    throw new UsageError("--as-me and --credential exclude each other");
  if (file !== undefined) return readCredential(terminal, file);
  if (!flag("as-me")) return undefined;
  const login = await loginFor(terminal, url);
  if (login === undefined) throw new CommandError(EXIT.unauthorised, `you are not logged in at ${url}`);
  return login;
}

async function loginFor(terminal: Terminal, url: string): Promise<string | undefined> {
  const login = await loadLogin(terminal);
  // A login is for one service: no other ever sees it.
  if (login === undefined || login.url !== url) return undefined;
  if (Date.parse(login.expires_at) <= Date.now()) {
    throw new CommandError(EXIT.unauthorised, "your login is over: bakehouse login");
  }
  return login.id_token;
}

/** A client that calls with the credential of the command line. @throws CommandError if there is none */
export async function connect(invocation: Invocation): Promise<Bakehouse> {
  const url = await serviceUrl(invocation);
  const credential = await credentialFor(invocation, url);
  if (credential === undefined) {
    throw new CommandError(
      EXIT.unauthorised,
      `${url} has to know who calls: bakehouse login, or --credential FILE, or its name in BAKEHOUSE_CREDENTIAL_FILE${invocation.terminal.env["BAKEHOUSE_CREDENTIAL"] ? " (BAKEHOUSE_CREDENTIAL is not read here: it would hold the credential itself)" : ""}`,
    );
  }
  const { terminal } = invocation;
  const onWarning = (message: string) => terminal.say(`bakehouse: warning: ${message}`);
  return createBakehouse({ url, insecureHttp: true, credential, fetch: terminal.fetch, onWarning });
}

/** A client that calls as nobody. */
export async function connectAnonymously(invocation: Invocation): Promise<Bakehouse> {
  return createBakehouse({
    url: await serviceUrl(invocation),
    insecureHttp: true,
    fetch: invocation.terminal.fetch,
  });
}

/** Milliseconds for which a failure waits until more is known of it. */
const PATIENCE = 3_000;

/** Refusals that any other API would answer as well. */
const COMMON_REFUSALS: ReadonlySet<number | undefined> = new Set([401, 403, 404, 405]);

/** A refusal by an address that is no Bakehouse's. @returns undefined if it is one, and if that cannot be told now */
export async function strangerBehind(
  refusal: unknown,
  invocation: Invocation,
): Promise<CommandError | undefined> {
  if (!(refusal instanceof BakehouseError) || !COMMON_REFUSALS.has(refusal.status)) return undefined;
  try {
    const signal = AbortSignal.any([invocation.terminal.signal, AbortSignal.timeout(PATIENCE)]);
    await (await connectAnonymously(invocation)).discover({ signal });
    return undefined;
  } catch (error) {
    const isAnswer =
      error instanceof BakehouseError && (error.code === "bad_answer" || COMMON_REFUSALS.has(error.status));
    if (!isAnswer) return undefined;
    const url = await serviceUrl(invocation);
    return new CommandError(
      EXIT.failed,
      `${url} is no Bakehouse service: is that the address (--url, else BAKEHOUSE_URL, else that of your login)?`,
    );
  }
}

/** Whether a text is a credential of the service. @returns false if that cannot be told now */
export async function isCredential(invocation: Invocation, text: string): Promise<boolean> {
  const { terminal } = invocation;
  const url = await serviceUrl(invocation);
  try {
    const client = createBakehouse({ url, insecureHttp: true, credential: text, fetch: terminal.fetch });
    await client.ready({ signal: AbortSignal.any([terminal.signal, AbortSignal.timeout(PATIENCE)]) });
    return true;
  } catch (error) {
    if (terminal.signal.aborted) throw error;
    return false;
  }
}
