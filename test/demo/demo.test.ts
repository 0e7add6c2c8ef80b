import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { steady } from "../cli/transcript.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { readManual } from "../support/manual.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { scratchFolder } from "../support/scratch.ts";

const DEMO = join(import.meta.dirname, "demo.ts");
// The demo's own temporary folder, so that what it leaves behind is seen.
let temporary: string;
beforeEach(() => {
  temporary = scratchFolder("demo-test");
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

const demo = (bundle: string, env: Record<string, string> = {}) =>
  run(DEMO, [bundle], { env: { TMPDIR: temporary, ...env } });

async function databases(url: string): Promise<readonly string[]> {
  const sql = postgres(url, { max: 1 });
  try {
    const rows = await sql<{ datname: string }[]>`select datname from pg_database order by datname`;
    return rows.map(({ datname }) => datname).filter((name) => name.startsWith("bakehouse_demo_"));
  } finally {
    await sql.end();
  }
}

const KEY_LINES = [
  "It is for alice, for an hour.",
  /orchestrator +\d{3} characters/,
  /scraper-1 reads acme\/web +allowed/,
  /scraper-1 reads acme\/payroll +caveat_failed: .*researcher/,
  "who handed it on to scraper-1: orchestrator > researcher > scraper-1",
  /revoked [\w-]{22}, which/,
  /orchestrator +still allowed/,
  /researcher +revoked/,
  /scraper-1 +revoked[\s\S]*scraper-2 +revoked[\s\S]*scraper-3 +revoked[\s\S]*scraper-4 +revoked/,
  /two caveats a link: (\d{3}|[123]\d{3}) characters, of 4096/,
  /All \d+ answers were as expected\.\n$/,
];

function expectStory(text: string): void {
  for (const line of KEY_LINES) expect(text).toMatch(line);
  expect(text.split("\n").length).toBeLessThan(40);
  // A token, or a tail of one, would be a long word.
  expect(text).not.toMatch(/[A-Za-z0-9_-]{40}/);
}

/** The tree in README. */
const SHOWN = join(import.meta.dirname, "..", "..", ".github", "demo-tree.svg");

/** The boxes of a tree's drawing: their kinds and their names, without the instances that differ in every run. */
function boxesOf(svg: string): readonly string[] {
  const boxes = svg.matchAll(/<g class="([^"]+)".*?<text class="name"[^>]*>([^<#]+)/g);
  return [...boxes].map(([, kind, name]) => `${kind}: ${name}`).sort();
}

/** What is the same in every run. */
const lasting = (text: string) => steady(text.replace(/127\.0\.0\.1:\d+/, "ADDRESS")).trim();

describe("[pglite] the demo", () => {
  test("tells the whole story and leaves nothing", async () => {
    const running = demo(builtBundle());
    const { code } = await running.ended;
    expect({ code, stderr: running.stderr() }).toEqual({ code: 0, stderr: "" });
    expectStory(running.stdout());
    expect(readdirSync(temporary)).toEqual([]);

    const { code: example, text: readme } = readManual("README.md");
    expect(lasting(running.stdout())).toBe(lasting(example("demo")));
    const counted = Number(/(\d+) characters, of/.exec(running.stdout())?.[1]);
    const claimed = Number(/(\d+) bytes in the header/.exec(readme)?.[1]);
    // An instant whose fraction ends in zeros is shorter.
    expect(Math.abs(counted - claimed)).toBeLessThan(10);
  });

  test("fails where the service does not start", async () => {
    const broken = join(temporary, "broken.js");
    writeFileSync(broken, "process.exit(3)");
    const running = demo(broken);
    expect(await running.ended).toEqual({ code: 1, signal: null });
    expect(running.stdout()).toContain("broke off");
    expect(readdirSync(temporary)).toEqual(["broken.js"]);
  });

  test("cleans up when it is interrupted", async () => {
    const running = demo(builtBundle());
    while (readdirSync(temporary).length === 0) await pause(20);
    expect(await running.end("SIGINT")).toEqual({ code: 1, signal: null });
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe("[postgres] the demo", () => {
  test("tells the whole story in a database that it drops", async () => {
    const url = await emptyDatabaseUrl();
    const picture = join(temporary, "tree.svg");
    const running = run(DEMO, [builtBundle(), "--tree", picture], {
      env: { TMPDIR: temporary, DATABASE_URL: url },
    });
    const { code } = await running.ended;
    expect({ code, stderr: running.stderr() }).toEqual({ code: 0, stderr: "" });
    expect(running.stdout()).toContain("on a Postgres server");
    expectStory(running.stdout());
    expect(await databases(url)).toEqual([]);
    expect(boxesOf(readFileSync(picture, "utf8"))).toEqual(boxesOf(readFileSync(SHOWN, "utf8")));
    rmSync(picture);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("fails where one answer is not the expected one", async () => {
    const honest = dirname(builtBundle());
    const lying = `${honest}-lying-${process.pid}`;
    cpSync(honest, lying, { recursive: true });
    for (const name of readdirSync(lying).filter((file) => file.endsWith(".js"))) {
      const text = readFileSync(join(lying, name), "utf8");
      writeFileSync(join(lying, name), text.replaceAll('"caveat_failed"', '"caveat_unknown"'));
    }
    try {
      const running = demo(join(lying, "bakehouse.js"), { DATABASE_URL: await emptyDatabaseUrl() });
      const { code } = await running.ended;
      expect({ code, stderr: running.stderr() }).toEqual({ code: 1, stderr: "" });
      expect(running.stdout()).toMatch(/writes acme\/web.*caveat_unknown.*NOT AS EXPECTED/);
      expect(running.stdout()).toMatch(/4 of \d+ answers were not as expected/);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      rmSync(lying, { recursive: true, force: true });
    }
  });

  test("drops it when it is interrupted too", async () => {
    const url = await emptyDatabaseUrl();
    const running = demo(builtBundle(), { DATABASE_URL: url });
    while ((await databases(url)).length === 0) await pause(20);
    expect(await running.end("SIGINT")).toEqual({ code: 1, signal: null });
    expect(await databases(url)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
