import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** Opens a page in an installed Chromium, and returns what it holds in the end; undefined where none is installed. */
export async function runInBrowser(url: string): Promise<string | undefined> {
  const name = NAMES.find((candidate) => spawnSync("sh", ["-c", `command -v ${candidate}`]).status === 0);
  if (name === undefined) return undefined;
  const profile = mkdtempSync(join(tmpdir(), "bakehouse-browser-"));
  try {
    const args = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      `--user-data-dir=${profile}`,
    ];
    const child = spawn(name, [...args, "--virtual-time-budget=20000", "--dump-dom", url], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let page = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      page += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    return page;
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
