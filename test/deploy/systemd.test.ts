/** The unit: read by systemd itself, where that is installed, without running it, and rated by it. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { findProgram } from "../support/find-program.ts";
import { scratchFolder } from "../support/scratch.ts";
import { deployed, runProgram } from "./files.ts";

const UNIT = deployed("systemd/bakehouse.service");
const SETTINGS = deployed("systemd/settings.env");

test("its settings are settings, and it stops later than the service has to", () => {
  const lines = [...SETTINGS.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [
    name,
    value,
  ]);
  const assigned = [...UNIT.matchAll(/^Environment=(.*)$/gm)].flatMap(([, text = ""]) =>
    text
      .split(" ")
      .map((part) => part.replace("%d", "/run/credentials").replace("%S", "/var/lib").split("=", 2)),
  );
  const config = parseConfig(Object.fromEntries([...lines, ...assigned]), (path) =>
    path.endsWith("database-url")
      ? "postgres://bakehouse@db/bakehouse"
      : Buffer.alloc(32, 7).toString("base64"),
  );
  expect(config.publicUrl).toBe("https://tokens.example.com");
  expect(config.dataDir).toBe("/var/lib/bakehouse");
  expect(config.warnings).toEqual([]);
  const [, patience] = /^TimeoutStopSec=(\d+)s$/m.exec(UNIT) ?? [];
  expect(Number(patience) * 1000).toBeGreaterThan(config.shutdownDelay + 5_000);
  // What it is given by name it loads by that name.
  const loaded = [...UNIT.matchAll(/^LoadCredential=([\w-]+):/gm)].map(([, name]) => name);
  expect([...UNIT.matchAll(/_FILE=%d\/([\w-]+)/g)].map(([, name]) => name)).toEqual(loaded);
});

/** Folders as systemd has them, with the unit and what it starts, and targets without contents. */
function machine(unit: string): string {
  const root = scratchFolder("systemd");
  const units = join(root, "usr/lib/systemd/system");
  for (const folder of ["etc/systemd/system", "usr/lib/systemd/system", "opt/bakehouse/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of ["sysinit", "basic", "shutdown", "network-online", "multi-user"])
    writeFileSync(join(units, `${name}.target`), `[Unit]\nDescription=${name}\n`);
  writeFileSync(join(root, "etc/systemd/system/bakehouse.service"), unit);
  const node = join(root, "opt/bakehouse/bin/node");
  writeFileSync(node, "");
  chmodSync(node, 0o755);
  return root;
}

// Where it is missing the run says so (support/at-hand.ts).
const analyze = findProgram("systemd-analyze");
if (analyze !== undefined) {
  const examined = (unit: string, ...command: readonly string[]) => {
    const root = machine(unit);
    const args = [...command, `--root=${root}`, "bakehouse.service"];
    const { ok, output } = runProgram(analyze, args);
    rmSync(root, { recursive: true });
    return { ok, output };
  };

  test("systemd reads every line of it", () => {
    const verify = ["verify", "--man=no"];
    expect(examined(UNIT, ...verify)).toEqual({ ok: true, output: "" });
    const { output } = examined(UNIT.replace("ProtectHome=", "ProtectHom="), ...verify);
    expect(output).toContain("'ProtectHom'");
  });

  test("systemd rates what it may do as little", () => {
    const rate = ["security", "--no-pager", "--offline=true", "--threshold=15"];
    expect(examined(UNIT, ...rate)).toMatchObject({ ok: true, output: expect.stringContaining("level for") });
    expect(
      examined(UNIT.replace("NoNewPrivileges=yes", "").replace("CapabilityBoundingSet=\n", ""), ...rate).ok,
    ).toBe(false);
  });
}
