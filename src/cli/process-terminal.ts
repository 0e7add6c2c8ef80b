import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { createInterface } from "node:readline/promises";

import { UsageError } from "./exit.ts";
import { MAX_INPUT, type Terminal } from "./terminal.ts";

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  // Not `start`: that is a shell's, which would read the address as a command.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/**
 * This process, as the commands see it.
 *
 * @param env the process's environment
 * @param home tells the home folder of its user, or throws
 */
export function processTerminal(
  env: Readonly<Record<string, string | undefined>>,
  home: () => string = homedir,
): Terminal {
  const stop = new AbortController();
  let listening = false;
  return {
    env,
    platform: process.platform,
    get home() {
      return homeFolder(home);
    },
    inputIsTerminal: process.stdin.isTTY === true,
    outputIsTerminal: process.stdout.isTTY === true,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    async confirm(question) {
      const asking = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(?:es)?$/i.test((await asking.question(`${question} [y/N] `)).trim());
      } catch {
        return false; // the terminal was closed
      } finally {
        asking.close();
      }
    },
    async readInput() {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of process.stdin) {
        const bytes = Buffer.from(chunk);
        size += bytes.length;
        if (size > MAX_INPUT) throw new UsageError("standard input is too long");
        chunks.push(bytes);
      }
      return Buffer.concat(chunks).toString("utf8");
    },
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    get signal() {
      // Listened for only if somebody waits: until then Ctrl-C just ends the process.
      if (!listening) process.once("SIGINT", () => stop.abort());
      listening = true;
      return stop.signal;
    },
    fetch: (url, init) => fetch(url, init),
    hasBrowser: hasBrowser(env),
    openBrowser: (url) => (hasBrowser(env) ? openBrowser(url) : Promise.resolve(false)),
  };
}

/** A browser on the far end of a remote shell is none: the person does not see it. */
function hasBrowser(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env["SSH_CONNECTION"] !== undefined) return false;
  return process.platform !== "linux" || Boolean(env["DISPLAY"] || env["WAYLAND_DISPLAY"]);
}

/** Starts the system's browser. The address is one argument, never part of a shell's line. */
function openBrowser(url: string): Promise<boolean> {
  const [command, ...args] = OPENERS[process.platform] ?? OPENERS["linux"] ?? [];
  if (command === undefined || !/^https?:\/\//.test(url)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(command, [...args, url], { stdio: "ignore", detached: true });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

/** Asked for only by commands that need it: the user of a service may have no name, as systemd's and OpenShift's, and then Node throws. */
function homeFolder(home: () => string): string {
  try {
    return home();
  } catch {
    throw new UsageError("this user has no home folder: set HOME, or XDG_CONFIG_HOME");
  }
}
