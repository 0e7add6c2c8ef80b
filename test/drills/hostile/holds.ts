import { connect } from "node:net";
import type { WorstInput } from "./worst-inputs.ts";

/** The longest time for which a service let nobody else have a turn. */
export interface Hold {
  /** Processor time, milliseconds, the collector's pauses aside. */
  readonly hold: number;
  /** The collector's pauses in it, milliseconds. */
  readonly collector: number;
  /** How often it held on for over ten milliseconds. */
  readonly over: number;
}

/** Asks a service's probe, which begins anew. @param path its socket */
export function askProbe(path: string): Promise<Hold> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path);
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("end", () => resolve(JSON.parse(text) as Hold));
    socket.once("error", reject);
  });
}

/** Sends an input a few times, and tells the longest hold of a time. */
export async function holdOf(
  url: string,
  probe: string,
  input: WorstInput,
  credentials: Readonly<Record<WorstInput["as"], string | undefined>>,
): Promise<Hold & { readonly status: number; readonly milliseconds: number }> {
  const token = credentials[input.as];
  const send = async () => {
    const response = await fetch(`${url}${input.path}`, {
      method: input.method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(input.body === undefined ? {} : { body: input.body }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  // The first time is the compiler's.
  await send();
  await askProbe(probe);
  const begun = performance.now();
  const status = await send();
  const milliseconds = performance.now() - begun;
  return { ...(await askProbe(probe)), status, milliseconds };
}
