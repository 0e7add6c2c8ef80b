/** The path of a request target that every reader understands alike, or the reason why this one is refused. */
export type Target =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

/** The characters of a path (RFC 3986 §3.3), with three more that browsers send as they are. */
const PATH = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/|[\]]*$/;
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;
/** A segment that some reader resolves: `.` and `..`, also with a parameter behind it as Java servers cut it off. */
const DOTS = /^\.\.?(?:;|$)/;

/**
 * Reads the target of a request (RFC 9112 §3.2) for a guard.
 *
 * The path that a guard clears must be the path that the handler acts on. Readers differ about dot segments, empty
 * segments, backslashes, a whole URL, a fragment, and characters that are escaped without need: one resolves or decodes
 * them, the next compares the text. So such targets are refused, and no caveat is ever compared with them. What is left
 * is decoded once: `/users/root%40corp` and `/users/root@corp` are one path to a handler, and so they are to a caveat.
 *
 * @param target as it stood in the request line, or the part of a URL behind its host
 * @returns the path, decoded once: in a caveat a `%` is a `%`
 *
 * @example
 * readTarget("/files/a%20b?x=1"); // { ok: true, path: "/files/a b" }
 * readTarget("/public/%2e%2e/admin"); // { ok: false, reason: "…" }
 */
export function readTarget(target: string): Target {
  if (!target.startsWith("/")) return refused("it does not begin with /");
  if (target.includes("#")) return refused("it holds a fragment");
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  if (path.includes("\\")) return refused("it holds a backslash");
  if (!PATH.test(path)) return refused("it holds a character that must be percent-encoded");
  const fault = badEscape(path);
  if (fault !== undefined) return refused(fault);
  const decoded = decodePath(path);
  if (decoded === undefined) return refused("it holds escapes that are not UTF-8");
  // No separator was escaped, so decoding leaves the segments as they are.
  const segments = decoded.split("/").slice(1);
  if (segments.some((segment) => DOTS.test(segment))) return refused("it holds a . or .. segment");
  if (segments.slice(0, -1).includes("")) return refused("it holds an empty segment");
  return { ok: true, path: decoded };
}

/** Decodes a path once; undefined if its escapes are not UTF-8. */
export function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The methods that a request is cleared as: routers answer HEAD by the handler of GET, so both must pass. */
export function methodsOf(method: string): string | readonly string[] {
  return method === "HEAD" ? ["HEAD", "GET"] : method;
}

function refused(why: string): Target {
  return { ok: false, reason: `the path of the request can be read in two ways: ${why}` };
}

function badEscape(path: string): string | undefined {
  for (const { 0: found, 1: hex, index } of path.matchAll(ESCAPE)) {
    if (hex === undefined) return "it holds a % that begins no escape";
    const code = Number.parseInt(hex, 16);
    const character = String.fromCharCode(code);
    if (code < 0x20 || code === 0x7f) return "it holds an escaped control character";
    if (/[A-Za-z0-9\-._~/\\]/.test(character)) return `it escapes ${character}`;
    // An escape that is escaped is one thing to a reader that decodes once and another to one that decodes twice.
    if (character === "%" && /^[0-9A-Fa-f]{2}/.test(path.slice(index + found.length))) {
      return "it holds an escaped escape";
    }
  }
  return undefined;
}
