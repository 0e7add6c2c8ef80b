import type { Logger } from "pino";

import type { HttpLog } from "./log.ts";
import { requestLine } from "./log-line.ts";
import { isLogged } from "./logged.ts";

/** What lines are written with that no logger needs to be asked for. */
export interface RequestLines {
  /** Takes one line with its end. */
  write(line: string): void;
  /** Wall-clock time, unix milliseconds. */
  now(): number;
  /** Members that every line has, in the order in which the logger writes them. */
  readonly bindings: Readonly<Record<string, string | number>>;
  /** The share of requests that have a line, as {@link isLogged} takes it; all unless said. */
  readonly share?: number;
}

/** Writes this adapter's events: faults with pino, and requests as lines that look as if they were. */
export function pinoHttpLog(
  logger: Pick<Logger, "error" | "warn" | "isLevelEnabled">,
  lines: RequestLines,
): HttpLog {
  const { share = 1 } = lines;
  const bindings = Object.entries(lines.bindings)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`)
    .join("");
  return {
    request(event) {
      if (!isLogged(event, share)) return;
      if (!logger.isLevelEnabled(event.status >= 500 ? "warn" : "info")) return;
      lines.write(requestLine(event, lines.now(), bindings));
    },
    fault(event) {
      const { requestId, route, name, code, frames } = event;
      logger.error({ event: "fault", request_id: requestId, route, name, code, frames });
    },
    failure({ requestId, route, detail, facts }) {
      logger.warn({ ...facts, event: "identity provider", request_id: requestId, route, detail });
    },
  };
}
