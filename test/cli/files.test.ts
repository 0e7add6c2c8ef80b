import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { type Login, loadLogin, saveLogin } from "../../src/cli/login-file.ts";
import { encodeBundle, mint } from "../../src/macaroon/index.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const token = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(3), identifier: "id" })]);

let home: string;
let umask: number;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bakehouse-files-"));
  umask = process.umask(0);
});

afterEach(() => {
  process.umask(umask);
  rmSync(home, { recursive: true, force: true });
});

const folder = () => join(home, ".config/bakehouse");
const loginFile = () => join(folder(), "login.json");
const mode = (path: string) => statSync(path).mode & 0o777;
const login = (name: string, padding = 0): Login => ({
  url: "https://bakehouse.example",
  id_token: `${name}.${"x".repeat(padding)}`,
  expires_at: "2999-01-01T00:00:00.000Z",
  name,
});

async function narrow(args: readonly string[]) {
  const terminal = fakeTerminal({ input: token, home });
  const exit = await runCommandLine(["attenuate", "action = read", ...args], {
    terminal,
    server: [],
    version: "1",
  });
  return { exit, terminal };
}

test("a login is kept for its user alone, whatever the umask and the modes of the file before it", async () => {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(loginFile(), "{}", { mode: 0o666 });
  await saveLogin(fakeTerminal({ home }), login("alice"));
  expect(mode(loginFile())).toBe(0o600);
  expect(readdirSync(folder())).toEqual(["login.json"]);
});

test("a link in a login's place is replaced: what it leads to is not written", async () => {
  mkdirSync(folder(), { recursive: true });
  const elsewhere = join(home, "elsewhere");
  writeFileSync(elsewhere, "before", { mode: 0o666 });
  symlinkSync(elsewhere, loginFile());
  await saveLogin(fakeTerminal({ home }), login("alice"));
  expect(readFileSync(elsewhere, "utf8")).toBe("before");
  expect(lstatSync(loginFile()).isFile()).toBe(true);
});

test("of logins at once one is kept, whole; whoever reads meanwhile finds one or another, and nothing is left over", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  let writing = true;
  const seen: (string | undefined)[] = [];
  const reading = (async () => {
    while (writing) seen.push((await loadLogin(fakeTerminal({ home })))?.name);
  })();
  await Promise.all(names.map((name) => saveLogin(fakeTerminal({ home }), login(name, 100_000))));
  writing = false;
  await reading;
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.filter((name) => name !== undefined && !names.includes(name))).toEqual([]);
  expect(names).toContain((await loadLogin(fakeTerminal({ home })))?.name);
  expect(readdirSync(folder())).toEqual(["login.json"]);
});

test.each([
  ["others may read it", () => chmodSync(loginFile(), 0o640), /^others can read/],
  ["it is no JSON", () => writeFileSync(loginFile(), "{"), /is damaged/],
  [
    "its end is no instant",
    () => writeFileSync(loginFile(), JSON.stringify({ ...login("a"), expires_at: "never" })),
    /is damaged/,
  ],
  [
    "its token fits in no header",
    () => writeFileSync(loginFile(), JSON.stringify({ ...login("a"), id_token: "a\r\nb" })),
    /is damaged/,
  ],
  ["it is far too long", () => writeFileSync(loginFile(), "x".repeat(1_000_000)), /is damaged/],
])("a login is not used where %s", async (_, spoil, message) => {
  await saveLogin(fakeTerminal({ home }), login("alice"));
  spoil();
  await expect(loadLogin(fakeTerminal({ home }))).rejects.toThrow(message);
});

test("a folder that cannot be is said, not shown as a fault", async () => {
  writeFileSync(join(home, ".config"), "a file");
  await expect(saveLogin(fakeTerminal({ home }), login("a"))).rejects.toMatchObject({
    name: "CommandError",
    exit: 1,
  });
});

test("--output leaves a token for its user alone, and prints nothing secret", async () => {
  const file = join(home, "narrow.token");
  writeFileSync(file, "older", { mode: 0o666 });
  const { exit, terminal } = await narrow(["--output", file, "--force", "--json"]);
  expect(exit).toBe(0);
  expect(mode(file)).toBe(0o600);
  const kept = readFileSync(file, "utf8").trim();
  expect(JSON.parse(terminal.printed.join("\n"))).toEqual({ file, revocation_id: expect.any(String) });
  expect(terminal.printed.join("\n")).not.toContain(kept);
  expect((await narrow(["-o", file, "--force"])).terminal.printed).toEqual([]);
});

test.each([
  ["a folder", () => home],
  ["a device", () => "/dev/null"],
  ["no folder", () => join(home, "missing/x.token")],
])("--output to %s is refused", async (_, path) => {
  const before = existsSync(path()) ? lstatSync(path()).mode : undefined;
  const { exit, terminal } = await narrow(["--output", path()]);
  expect(exit).not.toBe(0);
  expect(terminal.printed).toEqual([]);
  expect(existsSync(path()) ? lstatSync(path()).mode : undefined).toBe(before);
  expect(readdirSync(home)).toEqual([]);
});
