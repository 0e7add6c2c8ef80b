import { type Bakehouse, createBakehouse } from "../client/index.ts";
import type { Invocation } from "./command.ts";
import { CommandError, EXIT, UsageError } from "./exit.ts";
import { readSource } from "./input.ts";
import { loadLogin } from "./login-file.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** The service's address, checked: nothing secret goes over the network in the clear. */
export async function serviceUrl({ terminal, text }: Invocation): Promise<string> {
  const given = text("url") ?? (terminal.env["BAKEHOUSE_URL"] || undefined);
  const url = given ?? (await loadLogin(terminal))?.url ?? DEFAULT_URL;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
    throw new UsageError(`BAKEHOUSE_URL must be a URL with https://`);
  }
  if (parsed.protocol === "http:" && !LOOPBACK.has(parsed.hostname)) {
    throw new UsageError("BAKEHOUSE_URL must be https, unless the service is on this machine");
  }
  return parsed.origin;
}

async function credentialFor(invocation: Invocation, url: string): Promise<string | undefined> {
  const { terminal, text } = invocation;
  const file = text("credential") ?? (terminal.env["BAKEHOUSE_CREDENTIAL_FILE"] || undefined);
  if (file !== undefined) return (await readSource(terminal, file, "the credential")).trim();
  const login = await loadLogin(terminal);
  // A login is for one service: no other ever sees it.
  if (login === undefined || login.url !== url) return undefined;
  if (Date.parse(login.expires_at) <= Date.now()) {
    throw new CommandError(EXIT.unauthorised, "your login is over: bakehouse login");
  }
  return login.id_token;
}

/** A client that calls as whoever the command line says. @throws CommandError where that is nobody */
export async function connect(invocation: Invocation): Promise<Bakehouse> {
  const url = await serviceUrl(invocation);
  const credential = await credentialFor(invocation, url);
  if (credential === undefined) {
    throw new CommandError(
      EXIT.unauthorised,
      `${url} has to know who calls: bakehouse login, or --credential FILE`,
    );
  }
  return createBakehouse({ url, credential, fetch: invocation.terminal.fetch });
}

/** A client that calls as nobody. */
export async function connectAnonymously(invocation: Invocation): Promise<Bakehouse> {
  return createBakehouse({ url: await serviceUrl(invocation), fetch: invocation.terminal.fetch });
}
