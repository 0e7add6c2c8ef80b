import { join } from "node:path";

import { CommandError, EXIT } from "./exit.ts";
import { configFolder } from "./login-file.ts";
import { readPrivate, writePrivate } from "./private-file.ts";
import type { Terminal } from "./terminal.ts";
import { visible } from "./visible.ts";

/** A service that a person has logged in at, and the client that it named at the identity provider. */
export interface KnownService {
  readonly url: string;
  readonly issuer: string;
  readonly client_id: string;
}

const FILE = "services.json";
const MOST_BYTES = 256 * 1024;

/**
 * Makes sure that an ID token goes to no service that it was not meant for.
 *
 * An ID token is good at every service that believes its issuer and client, and each service names both itself: so a
 * hostile one that names those of the real service would be handed a token that is good there. The CLI remembers which
 * service named them first, refuses a second one, and asks before the first login at a service.
 *
 * @param isSure whether the command line said yes already
 * @throws CommandError for a second service with the same issuer and client, and without a yes
 */
export async function confirmService(
  terminal: Terminal,
  service: KnownService,
  isSure: boolean,
): Promise<void> {
  const known = await loadServices(terminal);
  const sharing = known.filter(
    (one) => isSame(one.issuer, service.issuer) && one.client_id === service.client_id,
  );
  const other = sharing.find((one) => !isSame(one.url, service.url));
  if (other !== undefined) {
    throw new CommandError(
      EXIT.unauthorised,
      `${visible(service.url)} names the same identity provider and client as ${visible(other.url)}, where you have logged in: it could use your login there. If ${visible(other.url)} has moved, forget it first: bakehouse logout --forget ${visible(other.url)}`,
    );
  }
  // A service that is its own identity provider, as the development one is, gets a token that is good nowhere else.
  if (sharing.length > 0 || isOwnIssuer(service)) return;
  const first = `you have not logged in at ${visible(service.url)} with ${visible(service.issuer)} before`;
  if (!isSure) {
    if (!terminal.canAsk) throw new CommandError(EXIT.usage, `${first}: say --yes if both are right`);
    terminal.say(`bakehouse: ${first}.`);
    if (!(await terminal.confirm("Are both the right ones?"))) {
      throw new CommandError(EXIT.unauthorised, "nobody was logged in");
    }
  }
}

/** Remembers a service after a login there. */
export async function rememberService(terminal: Terminal, service: KnownService): Promise<void> {
  const others = (await loadServices(terminal)).filter((one) => !isSame(one.url, service.url));
  await saveServices(terminal, [...others, service]);
}

/** Forgets a service. @returns whether it was known */
export async function forgetService(terminal: Terminal, url: string): Promise<boolean> {
  const known = await loadServices(terminal);
  const left = known.filter((one) => !isSame(one.url, url));
  if (left.length === known.length) return false;
  await saveServices(terminal, left);
  return true;
}

function isOwnIssuer({ url, issuer }: KnownService): boolean {
  return URL.canParse(url) && URL.canParse(issuer) && new URL(url).origin === new URL(issuer).origin;
}

/** Whether two addresses lead to one place, however they are spelled: the names of this machine are one name. */
function isSame(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

function canonical(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  const host = /^(?:localhost|\[::1\])$/.test(parsed.hostname) ? "127.0.0.1" : parsed.hostname;
  return `${parsed.protocol}//${host}:${parsed.port}${parsed.pathname.replace(/\/$/, "")}`;
}

async function loadServices(terminal: Terminal): Promise<readonly KnownService[]> {
  const file = join(configFolder(terminal), FILE);
  const text = await readPrivate(file, { hasModes: terminal.platform !== "win32", most: MOST_BYTES });
  if (text === undefined) return [];
  const services = readServices(text);
  // A damaged file is not an empty one: an empty one would let every service in.
  if (services === undefined) {
    throw new CommandError(
      EXIT.failed,
      `${file} is damaged: remove it, and check the services that you log in at`,
    );
  }
  return services;
}

function readServices(text: string): readonly KnownService[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isService) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isService(value: unknown): value is KnownService {
  if (typeof value !== "object" || value === null) return false;
  const { url, issuer, client_id } = value as Readonly<Record<string, unknown>>;
  return typeof url === "string" && typeof issuer === "string" && typeof client_id === "string";
}

async function saveServices(terminal: Terminal, services: readonly KnownService[]): Promise<void> {
  await writePrivate(join(configFolder(terminal), FILE), `${JSON.stringify(services, null, 2)}\n`, true);
}
