/** Longest client id, characters. */
const LONGEST = 512;

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * Reads a client id that is the address of the client's own metadata document (draft-ietf-oauth-client-id-metadata-document-02
 * §3): https, with a path, and without user, fragment or dot segments.
 *
 * @param allowsLoopback whether http on this very machine passes too
 * @returns undefined for any other text
 */
export function clientUrl(text: string, allowsLoopback = false): URL | undefined {
  if (text.length > LONGEST || !/^https?:\/\/[!-~]+$/.test(text) || text.includes("#")) return undefined;
  const url = URL.parse(text);
  // Dot segments, capitals, tabs and `\` are written otherwise by the parser; so is an empty path.
  if (url === null || url.href !== text || url.username !== "" || url.password !== "") return undefined;
  if (url.pathname === "/") return undefined;
  if (url.protocol === "https:") return url;
  return allowsLoopback && LOOPBACK.has(url.hostname) ? url : undefined;
}
