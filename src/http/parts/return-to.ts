// It rests sealed in a cookie until the login is finished, and browsers keep at most 4,096 bytes of one.
const LONGEST = 2048;
// Browsers drop tabs and line ends from URLs and read a backslash as a slash: `/\evil.example` leaves the origin.
const FORBIDDEN = /[\p{Cc}\\]/u;
// Returning to these would begin or repeat a login without end.
const LOOPS: ReadonlySet<string> = new Set(["/login", "/callback", "/logout"]);

/**
 * Checks where a login may return to: a path of this service.
 *
 * @returns the path as a browser would write it; undefined for anything that leaves the origin
 */
export function safeReturnTo(text: string, publicUrl: URL): string | undefined {
  if (text.length > LONGEST || FORBIDDEN.test(text) || !text.startsWith("/") || text.startsWith("//")) {
    return undefined;
  }
  const url = URL.parse(text, publicUrl);
  if (url === null || url.origin !== publicUrl.origin || url.username !== "" || url.password !== "") {
    return undefined;
  }
  // `/.//evil.example` is a path of ours whose normal form is not.
  if (url.pathname.startsWith("//") || LOOPS.has(url.pathname)) return undefined;
  const path = `${url.pathname}${url.search}${url.hash}`;
  return path.length > LONGEST ? undefined : path;
}
