/** The unit: read by systemd itself, where that is installed, without running it, and rated by it; the command beside it. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { findProgram } from "../support/find-program.ts";
import { scratchFolder } from "../support/scratch.ts";
import { DEPLOY, deployed, runProgram } from "./files.ts";

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
  // Where a file is missing the service gets an empty one, and names it.
  expect([...UNIT.matchAll(/^SetCredential=([\w-]+):\\n$/gm)].map(([, name]) => name)).toEqual(loaded);
});

describe("the command for operators", () => {
  /** What the script asks systemd-run for, where `systemctl cat` shows the unit and what an operator added. */
  function asked(added: string, status: number, ...args: readonly string[]) {
    const folder = scratchFolder("systemd-command");
    const programs = {
      systemctl: `#!/bin/sh\n[ "$*" = "cat bakehouse.service" ] && cat ${join(folder, "units")}\n`,
      "systemd-run": `#!/bin/sh\nprintf '%s\\n' "$@"\nexit ${status}\n`,
    };
    writeFileSync(join(folder, "units"), `# /etc/systemd/system/bakehouse.service\n${UNIT}\n${added}`);
    for (const [name, text] of Object.entries(programs))
      writeFileSync(join(folder, name), text, { mode: 0o755 });
    const run = spawnSync("sh", [join(DEPLOY, "systemd/bakehouse"), ...args], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env["PATH"]}` },
    });
    rmSync(folder, { recursive: true });
    expect(run.stderr).toBe("");
    const [, unit = ""] = /^--unit=(.+)\.service$/m.exec(run.stdout) ?? [];
    return { status: run.status, lines: run.stdout.trimEnd().replaceAll(unit, "UNIT").split("\n") };
  }

  /** The unit's lines about who the service is and what it may do. */
  const SERVICE = (UNIT.split("[Service]\n")[1] ?? "").split("[Install]")[0] ?? "";
  const RIGHTS = SERVICE.split("\n").filter(
    (line) => /^[A-Z]/.test(line) && !/^(Type|ExecStart|Restart|RestartSec)=/.test(line),
  );
  const written = (line: string) =>
    `--property=${line.replaceAll("%d", "/run/credentials/UNIT.service").replaceAll("%S", "/var/lib")}`;

  test("has all that the service has, in its order, and the command's status", () => {
    const { status, lines } = asked("", 3, "rewrap", "--json", "two words");
    expect(status).toBe(3);
    expect(RIGHTS.length).toBeGreaterThan(40);
    expect(lines).toEqual([
      "--quiet",
      "--collect",
      "--pipe",
      "--wait",
      "--unit=UNIT.service",
      ...RIGHTS.map(written),
      "/opt/bakehouse/bin/node",
      "/opt/bakehouse/node_modules/bakehouse-server/dist/bakehouse.js",
      "rewrap",
      "--json",
      "two words",
    ]);
    expect(lines.join("\n")).toContain(
      " MASTER_KEY_FILE=/run/credentials/UNIT.service/master-key OIDC_CLIENT_SECRET_FILE=",
    );
  });

  test("has what `systemctl edit` added, but for how the service starts", () => {
    const drop = [
      "# /etc/systemd/system/bakehouse.service.d/override.conf",
      "[Unit]",
      "After=vault.service",
      "[Service]",
      "ExecStart=",
      "ExecStart=/opt/bakehouse/bin/node serve --workers 4",
      "StandardOutput=append:/var/log/bakehouse",
      "LoadCredential=master-key-previous:/etc/bakehouse/master-key-previous",
      "Environment=ONE=%d/one \\",
      '  "TWO=2 words"',
      "UnsetEnvironment=MASTER_KEY_FILE",
    ];
    const { lines } = asked(drop.join("\n"), 0, "doctor");
    expect(lines.slice(5, -3)).toEqual([
      ...RIGHTS.map(written),
      "--property=LoadCredential=master-key-previous:/etc/bakehouse/master-key-previous",
      '--property=Environment=ONE=/run/credentials/UNIT.service/one    "TWO=2 words"',
      "--property=UnsetEnvironment=MASTER_KEY_FILE",
    ]);
  });
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
