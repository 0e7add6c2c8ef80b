import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bakehouse-completion-"));
  for (const file of ["root.token", "with space.token"]) writeFileSync(join(folder, file), "");
  for (const shell of SHELLS) {
    const terminal = fakeTerminal();
    await runCommandLine(["completion", shell], { terminal, server: [], version: "1" });
    writeFileSync(join(folder, `completion.${shell}`), `${terminal.printed.join("\n")}\n`);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isInstalled = (shell: Shell) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

function run(shell: Shell, args: readonly string[], input = ""): string {
  const { stdout, stderr, error } = spawnSync(shell, args, {
    cwd: folder,
    input,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "dumb", LC_ALL: "C" },
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  // Its own complaints, such as one about a missing function, would not show in what it offers.
  expect(stderr).toBe("");
  return stdout;
}

/** What the shell offers for the last of these words. */
const OFFERED: Readonly<Record<Shell, (line: readonly string[]) => readonly string[]>> = {
  bash(line) {
    const script = `source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _bakehouse 2>&1
      [ "\${#COMPREPLY[@]}" -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run("bash", ["--norc", "-c", script, "bash", ...line])
      .split("\n")
      .filter(Boolean);
  },
  fish(line) {
    const text = line.map((word) => word.replaceAll(" ", "\\ ")).join(" ");
    const script = "source completion.fish; complete -C $argv[1]";
    const lines = run("fish", ["--no-config", "-c", script, text]).split("\n").filter(Boolean);
    return lines.map((offered) => offered.split("\t")[0] ?? "");
  },
  // Typed at a real one: it completes what is meant by a tab, and then the command is run with that.
  zsh(line) {
    const script = `zmodload zsh/zpty
      zpty typed zsh -f -i
      zpty -w typed 'PS1= PS2=; stty -echo; setopt nobeep; bakehouse() { print -rn -- "GOT:"; print -rl -- "$@"; print END }'
      zpty -w typed 'source ./completion.zsh; print READY'
      zpty -r typed output '*READY*'
      zpty -w typed $'${line.join(" ")}\\t'
      zpty -r typed output '*GOT:*END*'
      print -r -- "$output"
      zpty -d typed`;
    const output = run("zsh", ["-f"], script).replaceAll("\r", "");
    const [, words = ""] = /GOT:([\s\S]*?)END/.exec(output) ?? [];
    return words.split("\n").filter(Boolean).slice(-1);
  },
};

// bash is everywhere; of the others, those that are installed.
describe.each(SHELLS.filter((shell) => shell === "bash" || isInstalled(shell)))("%s", (shell) => {
  const line = (text: string) => text.split(" ");
  const offered = (text: string) => OFFERED[shell](line(text));

  test.each([
    ["a command", "bakehouse ver", "verify"],
    ["a command behind help", "bakehouse help expl", "explain"],
    ["a word of a command", "bakehouse keys ro", "rotate"],
    ["an option", "bakehouse verify --min", "--min-sequence"],
    ["an option that all have", "bakehouse inspect --js", "--json"],
    ["a file", "bakehouse inspect --token ro", "root.token"],
    ["a file, by the option's letter", "bakehouse inspect -t ro", "root.token"],
    ["a file with a space in its name", "bakehouse inspect --token wi", "with space.token"],
    ["an option behind a name that is a command's", "bakehouse delegate verify --dep", "--depth"],
  ])("completes %s", (_, text, expected) => {
    expect(offered(text)).toEqual([expected]);
  });

  // What zsh would offer can only be seen by what it completes.
  if (shell === "zsh") return;

  test("offers nothing where a value is to be typed, and no other command's options", () => {
    expect(offered("bakehouse issue --ttl 1")).toEqual([]);
    expect(offered("bakehouse delegate verify --min")).toEqual([]);
  });
});
