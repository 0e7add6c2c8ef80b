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

/** Times that an input is sent, behind the first. */
const TIMES = 4;

/**
 * Sends an input a few times, and tells the longest hold of the time that had the shortest: a busy machine only adds, and
 * so does the system, which counts the processor time of a thread that runs every four milliseconds.
 */
export async function holdOf(
  url: string,
  probe: string,
  input: WorstInput,
  credentials: Readonly<Record<WorstInput["as"], string | undefined>>,
): Promise<Hold & { readonly status: string }> {
  const token = credentials[input.as];
  const sendOne = async (index: number) => {
    const response = await fetch(`${url}${input.path}`, {
      method: input.method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...input.headers?.(index),
      },
      ...(input.body === undefined ? {} : { body: input.body }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const send = async () => {
    const all = Array.from({ length: input.atOnce ?? 1 }, (_, index) => sendOne(index));
    return [...new Set(await Promise.all(all))].join(" ");
  };
  // The first time is the compiler's.
  await send();
  const sent: (Hold & { readonly status: string })[] = [];
  for (let time = 0; time < TIMES; time++) {
    await askProbe(probe);
    const status = await send();
    sent.push({ ...(await askProbe(probe)), status });
  }
  return sent.reduce((least, one) => (one.hold < least.hold ? one : least));
}
