import { isLoopbackHost } from "../domain/access/this-machine.ts";
import { Invalid, type Reader } from "./environment.ts";
import { parseHost, parsePort } from "./values.ts";

/** Where metrics are served. */
export type MetricsPlace =
  /** On a port of their own. */
  | { readonly kind: "address"; readonly host: string; readonly port: number }
  /** Beside the API, to this machine alone. */
  | { readonly kind: "main port" }
  | { readonly kind: "nowhere" };

function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) {
    throw new Invalid("must be host:port, such as 127.0.0.1:9464 or [::1]:9464");
  }
  return { host: parseHost(host), port: parsePort(port) };
}

/** Reads where metrics are served. Unset they are nowhere, unless all that there is is on this machine. */
export function readMetrics(
  { read, problem }: Reader,
  main: { readonly host: string; readonly port: number; readonly hasServer: boolean },
): MetricsPlace {
  const address = read("METRICS_ADDRESS", parseAddress);
  if (address !== undefined) {
    if (address.port !== 0 && address.port === main.port && address.host === main.host) {
      problem("METRICS_ADDRESS: must be another one than HOST and PORT");
    }
    return { kind: "address", ...address };
  }
  return { kind: isLoopbackHost(main.host) && !main.hasServer ? "main port" : "nowhere" };
}
