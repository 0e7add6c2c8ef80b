/** The words for levels that people must notice, by pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = { 40: "warning: ", 50: "error: ", 60: "error: " };

/** Writes lines of the log for people at a terminal: as the command's own lines, and with the time of each (UTC). */
export function forPeople(lines: string): string {
  return lines.replaceAll(/[^\n]+/g, (line) => tame(lineOf(line)));
}

function lineOf(line: string): string {
  if (!line.startsWith("{")) return line;
  let members: Readonly<Record<string, unknown>>;
  try {
    members = JSON.parse(line);
  } catch {
    return line; // one that a worker was killed amid
  }
  const { level, time, service: _service, event, detail, ...rest } = members;
  const others = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const said = [event, detail, others.join(" ")].filter((part) => part !== undefined && part !== "");
  return `bakehouse: ${String(time).slice(11, 19)}Z ${LEVELS[Number(level)] ?? ""}${said.join(": ")}`;
}

/** JSON escapes what steers a terminal, and hides or turns its text: here nothing else does. */
function tame(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
}
