import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { scratchFolder } from "../support/scratch.ts";
import { until } from "../support/until.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** A service that says what it hears, in the place of the real one. */
const SERVICE = `
  process.on("SIGTERM", () => { console.log("stopped"); process.exit(0); });
  setInterval(() => {}, 1_000);
  console.log("serving", process.pid, ...process.argv.slice(2));`;

/** A package with this one's way to start, and a build that makes the service above. */
function newPackage(): string {
  const folder = scratchFolder("start");
  const { type, scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly type: string;
    readonly scripts: Readonly<Record<string, string>>;
  };
  mkdirSync(join(folder, "src"));
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type, scripts: { start: scripts["start"] } }));
  const build = `import { writeFileSync } from "node:fs"; writeFileSync("dist/bakehouse.js", ${JSON.stringify(SERVICE)});`;
  writeFileSync(join(folder, "src", "build.ts"), build);
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a signal to npm start stops the service", async () => {
  const npm = spawn("npm", ["start", "--silent", "--", "--workers", "2"], {
    cwd: newPackage(),
    env: { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"]}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  npm.stdout.setEncoding("utf8");
  npm.stdout.on("data", (text: string) => {
    said += text;
  });
  await until(() => said.includes("serving"));
  expect(said).toMatch(/^serving \d+ serve --workers 2$/m);
  const pid = Number(/serving (\d+)/.exec(said)?.[1]);
  try {
    const ended = once(npm, "close");
    npm.kill("SIGTERM");
    await ended;
    // Not before the service: in a container everything ends with npm.
    expect(isAlive(pid)).toBe(false);
    expect(said).toContain("stopped");
  } finally {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
});
