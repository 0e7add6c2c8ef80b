import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { runInShell } from "../cli/transcript.ts";
import { copyEmbedded } from "../support/embedded-template.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { freePort } from "../support/process-service.ts";
import { scratchFolder } from "../support/scratch.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** This checkout's files in a folder of their own, as a clone has them, with what `npm ci` installs and `npm run build` builds. */
export interface Clone {
  /** The service's address, once it is started. */
  readonly url: string;
  /**
   * Starts the service there by `npm start`, as in a terminal of its own, and plays blocks one after the other in a second
   * shell. The blocks' usual port is replaced.
   *
   * @param watch told of all that was said so far
   * @returns what each said, on standard output and error
   */
  play(blocks: readonly string[], watch: (said: string) => void): Promise<readonly string[]>;
  /** The files that git would offer to commit. */
  strangers(): readonly string[];
  /** The files with a token or a key that were written there and that others than their owner may read. */
  open(): readonly string[];
  remove(): void;
}

/** A clone whose embedded database is there already: made from nothing, it takes seconds. */
export async function newClone(): Promise<Clone> {
  const root = scratchFolder("clone");
  const folder = join(root, "bakehouse");
  const git = (args: readonly string[], cwd = folder) => {
    const said = execFileSync("git", args, { cwd, encoding: "utf8" });
    return said.split("\0").filter((name) => name !== "");
  };
  const tracked = new Set(git(["ls-files", "-z"], ROOT));
  for (const name of tracked) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(ROOT, name), join(folder, name));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  // Built before, as for other tests, and not once more by each command of npm.
  cpSync(dirname(builtBundle("src/main.ts", "library")), join(folder, "dist"), { recursive: true });
  writeFileSync(join(folder, "src", "build.ts"), "");
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  mkdirSync(join(folder, "data"));
  await copyEmbedded(join(folder, "data", "database"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const over = new AbortController();

  return {
    url,
    async play(blocks, watch) {
      const end = (at: number) => `=== block ${at} ===`;
      const script = `
        exec >&2
        npm start > ../start.log 2>&1 &
        trap "kill $! && wait" EXIT
        until grep -qs 'bakehouse: ready' ../start.log; do
          kill -0 $! || { cat ../start.log; exit 1; }
          sleep 0.1
        done
        ${blocks.map((block, at) => `${block.replaceAll("8080", String(port))}\necho '${end(at)}'\n`).join("")}`;
      const env = {
        PATH: process.env["PATH"] ?? "",
        HOME: root,
        PORT: String(port),
        BAKEHOUSE_URL: url,
      };
      const { stderr } = await runInShell(script, { cwd: folder, env, watch, signal: over.signal });
      let rest = stderr;
      return blocks.map((_, at) => {
        const [said = "", after] = rest.split(`${end(at)}\n`, 2);
        if (after === undefined) throw new Error(`block ${at} did not end: ${rest}`);
        rest = after;
        return said.trimEnd();
      });
    },
    strangers: () => git(["ls-files", "-z", "--others", "--exclude-standard"]),
    open() {
      const names = ["data", "."].flatMap((under) =>
        readdirSync(join(folder, under), { withFileTypes: true })
          .filter((entry) => entry.isFile() && !tracked.has(entry.name))
          .map(({ name }) => join(folder, under, name)),
      );
      const secret = /[A-Za-z0-9_-]{120}|"secret"|"d":/;
      return names.filter(
        (name) => (statSync(name).mode & 0o077) !== 0 && secret.test(readFileSync(name, "utf8")),
      );
    },
    remove() {
      over.abort();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
