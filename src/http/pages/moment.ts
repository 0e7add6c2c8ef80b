/** An instant for people, to the minute: `2026-11-27 14:05 UTC`. @param at unix milliseconds */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
