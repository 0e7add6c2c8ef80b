import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release } from "node:os";

/** What a reader needs to know of where figures come from. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  readonly node: string;
  /** OpenSSL's and V8's, which do the hashing and the rest. */
  readonly openssl: string;
  readonly v8: string;
  /** Short, with a `+` where files differ from it; "unknown" outside a repository. */
  readonly commit: string;
  readonly date: string;
  /** Of the last minute: what else was busy. */
  readonly loadBefore: number;
}

function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync("git", ["-C", import.meta.dirname, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "";
}

/** This machine, now. */
export function thisMachine(): Machine {
  const commit = git("rev-parse", "--short=10", "HEAD");
  const dirty = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    platform: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    openssl: process.versions.openssl,
    v8: process.versions.v8,
    commit: commit === "" ? "unknown" : `${commit}${dirty}`,
    date: new Date().toISOString().slice(0, 10),
    loadBefore: loadavg()[0] ?? 0,
  };
}
