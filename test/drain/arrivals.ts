import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A connection as its caller knows it. */
export interface Caller {
  readonly url: string;
  /** Its port on the caller's side. */
  readonly port: number;
  /** When it was begun, unix milliseconds. */
  readonly from: number;
}

const PROBE = pathToFileURL(fileURLToPath(new URL("arrivals-probe.mjs", import.meta.url))).href;

/** What has a service note the connections that it accepts. @param file where it writes them when it ends */
export function noting(file: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${PROBE}`, DRAIN_ARRIVALS: file };
}

/**
 * Whether a service has accepted a connection. The system makes connections on its behalf until the port is closed, and
 * cuts off those that it has not accepted by then: of what came over them it knows nothing.
 */
export function hasAccepted(file: string, { port, from }: Caller): boolean {
  const notes = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  return notes.some((note) => {
    const [other, at] = note.split(" ").map(Number);
    return other === port && at !== undefined && at >= from - 1;
  });
}
