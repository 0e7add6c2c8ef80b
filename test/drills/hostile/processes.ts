import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";

import { z } from "zod";

const callersSchema = z.object({
  perSecond: z.number(),
  /** Milliseconds; null if nothing was answered. */
  p50: z.number().nullable(),
  p99: z.number().nullable(),
  /** Part of a core. */
  busy: z.number(),
  /** Answers other than the expected one, and how many of them were 5xx. */
  wrong: z.number(),
  failed: z.number(),
  firstWrong: z.string(),
});

/** What valid callers met with. */
export type Callers = z.infer<typeof callersSchema>;

const flooderSchema = z.object({
  sent: z.number(),
  statuses: z.record(z.string(), z.number()),
  /** Part of a core. */
  busy: z.number(),
});

/** What came of a flood, as its sender saw it. */
export type Flooder = z.infer<typeof flooderSchema>;

function start(script: string, options: object) {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once("close", (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${script} ended with ${code}`)),
    );
  });
  return { child, ended };
}

/** Lets valid callers ask for a while. */
export async function callersAsk(options: {
  readonly port: number;
  readonly request: string;
  /** What every answer's body must begin with. */
  readonly expect: string;
  readonly connections: number;
  /** Requests a second; as many as are answered unless said. */
  readonly rate?: number;
  readonly seconds: number;
  /** Seconds before that which are not measured; 1 unless said. */
  readonly warmUp?: number;
}): Promise<Callers> {
  return callersSchema.parse(JSON.parse(await start("callers.mjs", options).ended));
}

/** Begins a flood. @returns ends it */
export function beginFlood(
  folder: string,
  options: {
    readonly port: number;
    readonly requests: readonly Uint8Array[];
    readonly connections: number;
    /** Milliseconds that a connection waits before it sends again. */
    readonly pause: number;
    /** Whether the last byte of each request is kept back. */
    readonly stalls: boolean;
    /** The most that are sent a second; as many as go unless said. */
    readonly perSecond?: number;
  },
): () => Promise<Flooder> {
  const { requests, ...rest } = options;
  const file = join(folder, "flood");
  const parts = requests.flatMap((request) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(request.length);
    return [length, request];
  });
  writeFileSync(file, Buffer.concat(parts));
  const { child, ended } = start("flooder.mjs", { ...rest, file });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  return async () => {
    child.stdin.end();
    return flooderSchema.parse(JSON.parse(await ended));
  };
}
