import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { person } from "../cli/person.ts";
import { findPython } from "../support/find-python.ts";

/** The examples, by the names of their folders. */
export const EXAMPLES: readonly string[] = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** How an example is played. */
export interface Play {
  /** The folder that holds the examples. */
  readonly folder: string;
  readonly url: string;
  readonly credential: string;
  /** Whether a person is asked who is there; else one is played that says yes. */
  readonly byHand?: boolean;
  /** Told what the example says, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** What an example came to. */
export interface Played {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command that runs an example; undefined for one in Python where none is installed. */
export function commandOf(folder: string, name: string): readonly [string, ...string[]] | undefined {
  const script = join(folder, name, "main.ts");
  if (existsSync(script)) return [process.execPath, script];
  const python = findPython();
  return python === undefined ? undefined : [python, "-X", "utf8", join(folder, name, "main.py")];
}

/** Runs an example against a service. @throws Error where nothing can run it */
export async function play(
  name: string,
  { folder, url, credential, byHand, onOutput }: Play,
): Promise<Played> {
  const [command, ...args] = commandOf(folder, name) ?? [];
  if (command === undefined) throw new Error(`${name} needs Python 3.10 or later`);
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      PYTHONPATH: join(import.meta.dirname, "../../src/client/python"),
      PYTHONDONTWRITEBYTECODE: "1",
      BAKEHOUSE_URL: url,
      BAKEHOUSE_CREDENTIAL: credential,
    },
  });
  const said = { stdout: "", stderr: "" };
  const alice = byHand === true ? undefined : person("alice");
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      said[stream] += chunk;
      onOutput?.(chunk);
      alice?.(said.stdout);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...said };
}
