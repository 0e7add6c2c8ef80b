import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";

import { describe, expect, test } from "vitest";

import { oncePerTurn } from "../../src/run/output.ts";

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
