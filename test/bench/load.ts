import { spawn } from "node:child_process";
import { join } from "node:path";

import { z } from "zod";

import { onCores } from "./processes.ts";

const loadSchema = z.object({
  perSecond: z.number(),
  /** Milliseconds. */
  p50: z.number(),
  p99: z.number(),
  /** Part of a core that the load itself took: near 1, it is what was measured. */
  busy: z.number(),
  wrong: z.number(),
  firstWrong: z.string(),
  /** All that was answered, that of the warm-up too. */
  answered: z.number(),
  /** The place of the next body. */
  next: z.number(),
});

/** What came of one round of load. */
export type Load = z.infer<typeof loadSchema>;

/** One round of load. */
export interface LoadOptions {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A file with one body a line, asked in turn, from where the last round on it ended. */
  readonly bodies: string;
  readonly connections?: number;
  readonly seconds: number;
  /** Requests a second, at fixed times; as many as are answered where undefined. */
  readonly rate?: number;
  /** The status that every answer must have; 200 where undefined. */
  readonly status?: number;
  /** What every answer's body must begin with. */
  readonly expect: string;
}

/** How far each file of bodies has been asked: what a round has asked is not new to a server in the next. */
const places = new Map<string, number>();

/**
 * Puts load on a server, from core 1. Rejects where an answer is not the expected one.
 *
 * @param cores other cores; "" to leave that to the system
 */
export async function load(options: LoadOptions, cores = "1"): Promise<Load> {
  const from = places.get(options.bodies) ?? 0;
  const given = JSON.stringify({ headers: {}, connections: 64, from, ...options });
  const [command, args] = onCores(cores, process.execPath, [
    join(import.meta.dirname, "load-child.mjs"),
    given,
  ]);
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`the load on ${options.path} ended with ${code}`);
  const result = loadSchema.parse(JSON.parse(out));
  places.set(options.bodies, result.next);
  if (result.wrong > 0) throw new Error(`${result.wrong} wrong answers: ${result.firstWrong}`);
  if (result.perSecond === 0) throw new Error(`nothing was answered at ${options.path}`);
  return result;
}
