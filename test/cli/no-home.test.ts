/** A user without a name and a home folder, as systemd and OpenShift make them for services. */
import { homedir } from "node:os";

import { expect, test } from "vitest";

import { configFolder } from "../../src/cli/login-file.ts";
import { processTerminal } from "../../src/cli/process-terminal.ts";

/** As Node's own, for such a user. */
function none(): string {
  throw new Error("A system error occurred: uv_os_homedir returned ENOENT");
}

test("a command that keeps nothing at home does not miss one", () => {
  expect(() => processTerminal({}, none)).not.toThrow();
  expect(configFolder(processTerminal({ XDG_CONFIG_HOME: "/etc/own" }, none))).toBe("/etc/own/bakehouse");
});

test("one that does says what to set", () => {
  expect(() => configFolder(processTerminal({}, none))).toThrow(
    "this user has no home folder: set HOME, or XDG_CONFIG_HOME",
  );
});

test("otherwise it is the user's", () => {
  expect(processTerminal({}).home).toBe(homedir());
});
