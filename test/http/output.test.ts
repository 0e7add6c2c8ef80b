import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";

import { describe, expect, test } from "vitest";

import { forPeople } from "../../src/run/log-for-people.ts";
import { oncePerTurn } from "../../src/run/output.ts";
import { findPython } from "../support/find-python.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("lines of one turn", () => {
  test("are written at once, in order, when it ends", async () => {
    const written: string[] = [];
    const output = oncePerTurn((lines) => written.push(lines));
    for (const line of ["a\n", "b\n"]) output.hold(line);
    expect(written).toEqual([]);
    await nextTurn();
    output.hold("c\n");
    await nextTurn();
    await nextTurn();
    expect(written).toEqual(["a\nb\n", "c\n"]);
  });

  test("are not held beyond a bound, however long the turn is", () => {
    const written: string[] = [];
    const output = oncePerTurn((lines) => written.push(lines));
    for (let count = 0; count < 1000; count++) output.hold(`${"x".repeat(999)}\n`);
    expect(written.length).toBeGreaterThan(10);
    for (const lines of written) expect(lines.length).toBeLessThan(70_000);
    output.flush();
    expect(written.join("")).toHaveLength(1_000_000);
  });

  test("are written before a line that is not held, which waits for nothing", () => {
    const written: string[] = [];
    const output = oncePerTurn((lines) => written.push(lines));
    output.hold("a\n");
    output.hold("b\n");
    output.write("c\n");
    expect(written.join("")).toBe("a\nb\nc\n");
  });

  test("are written by a flush, and not again", async () => {
    const written: string[] = [];
    const output = oncePerTurn((lines) => written.push(lines));
    output.hold("a\n");
    output.flush();
    output.flush();
    await nextTurn();
    expect(written).toEqual(["a\n"]);
  });
});

test.each([
  ["exits", "process.exit(3)", 3],
  ["throws", "throw new Error('x')", 1],
  ["rejects", "Promise.reject(new Error('x'))", 1],
  ["ends", "", 0],
])("a process that %s leaves no line behind", (_, end, status) => {
  const file = pathToFileURL(`${import.meta.dirname}/../../src/run/output.ts`).href;
  const script = `import { standardOutput } from ${JSON.stringify(file)};
    for (let n = 0; n < 5000; n++) standardOutput().hold(n + "\\n");
    ${end};`;
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(ran.status).toBe(status);
  expect(ran.stdout).toBe(Array.from({ length: 5000 }, (_, n) => `${n}\n`).join(""));
});

const LINE = { level: 30, time: "2026-11-27T15:34:00.123Z", service: "bakehouse", event: "serving" };
const text = (...lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

describe("a log for people", () => {
  test.each([
    ["what is usual", { host: "::1", port: 80 }, "serving: host=::1 port=80"],
    ["no members", {}, "serving"],
    ["a warning", { level: 40, detail: "so be it", platform: "a" }, "warning: serving: so be it: platform=a"],
    ["an error", { level: 50, worker: 2 }, "error: serving: worker=2"],
    ["what is not there", { code: null, route: "/" }, "serving: route=/"],
    ["a list", { frames: ["a", "b"] }, 'serving: frames=["a","b"]'],
    ["what would steer a terminal", { detail: "a\u001b[2Jb\nc\u009bd\u202ee" }, "serving: a [2Jb c d e"],
  ])("says %s in a line", (_what, members, said) => {
    expect(forPeople(text({ ...LINE, ...members }))).toBe(`bakehouse: 15:34:00Z ${said}\n`);
  });

  test("keeps every line, in its order, one that is no JSON too", () => {
    expect(forPeople(`${text(LINE)}torn{\n${text(LINE)}`)).toBe(
      "bakehouse: 15:34:00Z serving\ntorn{\nbakehouse: 15:34:00Z serving\n",
    );
  });
});

describe.each([findPython()].filter((python) => python !== undefined))("on a terminal of %s", (python) => {
  test("lines are for people, and JSON anywhere else", () => {
    const file = pathToFileURL(`${import.meta.dirname}/../../src/run/log.ts`).href;
    const script = `import { createLogger } from ${JSON.stringify(file)};
      createLogger("info").info({ event: "serving", port: 80 });`;
    const node = [process.execPath, "--input-type=module", "-e", script];
    const say = (command: string, args: readonly string[]) =>
      spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).stdout;
    const inTerminal = say(python, ["-c", "import pty, sys; pty.spawn(sys.argv[1:])", ...node]);
    expect(inTerminal).toMatch(/^bakehouse: [0-9:]{8}Z serving: port=80\r\n$/);
    expect(JSON.parse(say(process.execPath, node.slice(1)))).toMatchObject({ event: "serving", port: 80 });
  });
});
