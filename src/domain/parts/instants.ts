/** An instant in RFC 3339, UTC, with milliseconds. @param at unix milliseconds */
export function rfc3339(at: number): string {
  return new Date(at).toISOString();
}
