/**
 * A database URL is not as it must be. The message names the part and the cure. It repeats no value: user, password and
 * host stand in one text, and if one of them is written wrongly nobody can tell which is which.
 */
export class DatabaseUrlError extends Error {
  override readonly name = "DatabaseUrlError";
}

/** The parts of a URL, decoded. Nothing is known yet of their meaning. */
export interface UrlParts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Hosts as they are written, in their order; an IPv6 address without its brackets; empty if none is named. */
  readonly hosts: readonly string[];
  /** As many as there are hosts; an empty text if a host has none. */
  readonly ports: readonly string[];
  readonly database: string | undefined;
  /** Parameters by name. Of a name that comes twice the last counts, as with libpq. */
  readonly parameters: ReadonlyMap<string, string>;
}

const SCHEME = /^postgres(?:ql)?:\/\//;
/** The form of a parameter's name, in libpq and elsewhere. */
export const NAME = /^[A-Za-z][A-Za-z_-]{0,40}$/;
const ENCODE = "in user and password write % as %25, @ as %40, / as %2F, : as %3A, ? as %3F, # as %23";

/**
 * Takes a URL apart as libpq does (PostgreSQL, §34.1.1.2), which is not how the URL standard does it: `#` and `?` in a
 * password are part of it, and there may be several hosts.
 *
 * @throws DatabaseUrlError
 */
export function splitUrl(text: string): UrlParts {
  const rest = withoutScheme(text);
  if (/\s/.test(rest)) throw new DatabaseUrlError("has white space in it: write a space as %20");

  const credentials = /^([^@/]*)@/.exec(rest)?.[1];
  const behind = credentials === undefined ? rest : rest.slice(credentials.length + 1);
  const { hosts, ports, end } = splitHosts(behind);
  const tail = behind.slice(end);
  const mark = tail.indexOf("?");
  const path = mark === -1 ? tail : tail.slice(0, mark);
  // Of a password with a / in it, all that follows could be taken for parameters, and their names are repeated.
  if (credentials === undefined && tail.includes("@")) {
    throw new DatabaseUrlError(`has an @ behind its / or ?: write it there as %40; ${ENCODE}`);
  }
  const colon = credentials?.indexOf(":") ?? -1;
  return {
    user: some(decode(colon === -1 ? (credentials ?? "") : (credentials ?? "").slice(0, colon))),
    password: colon === -1 ? undefined : some(decode((credentials ?? "").slice(colon + 1))),
    hosts: hosts.length === 1 && hosts[0] === "" ? [] : hosts,
    ports,
    database: some(decode(path.slice(1))),
    parameters: mark === -1 ? new Map() : splitParameters(tail.slice(mark + 1)),
  };
}

function withoutScheme(text: string): string {
  const scheme = SCHEME.exec(text)?.[0];
  if (scheme !== undefined) return text.slice(scheme.length);
  if (/^["'`]/.test(text)) throw new DatabaseUrlError("begins with a quotation mark: take the quotes away");
  if (/^\s*\w+\s*=/.test(text)) {
    throw new DatabaseUrlError(
      "is a list of settings: write it as postgres://user:password@host:port/database",
    );
  }
  throw new DatabaseUrlError("must be a URL that begins with postgres:// or postgresql://");
}

interface SplitHosts {
  readonly hosts: readonly string[];
  readonly ports: readonly string[];
  /** The end of the hosts: at a `/`, a `?` or the end of the text. */
  readonly end: number;
}

function splitHosts(text: string): SplitHosts {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (let at = 0; ; at += 1) {
    const bracketed = text[at] === "[";
    const [all = "", host = "", port = ""] =
      (bracketed ? /^\[([^\]]+)\](?::([^/?,]*))?/ : /^([^:/?,]*)(?::([^/?,]*))?/).exec(text.slice(at)) ?? [];
    if (bracketed && host === "") {
      throw new DatabaseUrlError(`has a [ without an IPv6 address and its ] behind it; ${ENCODE}`);
    }
    at += all.length;
    const next = text[at];
    if (next !== undefined && !"/?,".includes(next)) {
      throw new DatabaseUrlError(
        `has something between an IPv6 address in brackets and what follows; ${ENCODE}`,
      );
    }
    checkAuthority(host, port, bracketed, text);
    hosts.push(decode(host));
    ports.push(decode(port));
    if (next !== ",") return { hosts, ports, end: at };
  }
}

/** Refuses hosts and ports that can only be part of a password. */
function checkAuthority(host: string, port: string, bracketed: boolean, text: string): void {
  if (host.includes("@")) throw new DatabaseUrlError(`has an @ too many: ${ENCODE}`);
  if (!/^\d*$/.test(port) && text.includes("@")) {
    throw new DatabaseUrlError(`has a / before its @: ${ENCODE}`);
  }
  if (!/^\d*$/.test(decode(port))) throw new DatabaseUrlError(`has a port that is not a number; ${ENCODE}`);
  const plain = bracketed ? /^[0-9A-Fa-f:.]+(?:%25[\w.-]+)?$/ : /^[\w.%+-]*$/;
  if (!plain.test(host)) throw new DatabaseUrlError(`has a character in its host that none has; ${ENCODE}`);
}

function splitParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const [name = "", value, ...more] = pair.split("=");
    const decoded = decode(name);
    const shown = NAME.test(decoded) ? `parameter ${decoded}` : "a parameter";
    if (value === undefined) throw new DatabaseUrlError(`has ${shown} without a =`);
    if (more.length > 0)
      throw new DatabaseUrlError(`has ${shown} with a second =: write = in a value as %3D`);
    parameters.set(decoded, decode(value));
  }
  return parameters;
}

function decode(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw new DatabaseUrlError(`has a % without two hexadecimal digits behind it; ${ENCODE}`);
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw new DatabaseUrlError("has percent-encoded bytes that are no UTF-8");
  }
  if (decoded.includes("\0")) throw new DatabaseUrlError("has a %00, which nothing in it can hold");
  return decoded;
}

function some(text: string): string | undefined {
  return text === "" ? undefined : text;
}
