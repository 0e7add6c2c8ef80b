import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** A manual whose examples a test runs. A marker, `<!-- name -->` on a line of its own, stands before each example. */
export interface Manual {
  readonly text: string;
  /** The code in the fence that follows a marker at once. */
  code(marker: string): string;
  /** The block of text that follows a marker's code. */
  answer(marker: string): string;
  /** The cells in back quotes of the table that follows a marker at once, row by row. */
  table(marker: string): readonly (readonly string[])[];
}

/** A block of a page for the shell, and what is shown below it. */
export interface ShellBlock {
  readonly code: string;
  /** Undefined if nothing is shown. */
  readonly answer: string | undefined;
}

/** Every block of a page that is for the shell, from top to bottom; a block of text that follows is its answer. */
export function shellBlocks(text: string): readonly ShellBlock[] {
  const fences = [...text.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)].map(([, kind, code = ""]) => ({
    kind,
    code,
  }));
  return fences.flatMap(({ kind, code }, at) => {
    const next = fences[at + 1];
    return kind === "sh" ? [{ code, answer: next?.kind === "text" ? next.code : undefined }] : [];
  });
}

/** @param path the manual's path from the root of the repository */
export function readManual(path: string): Manual {
  const text = readFileSync(join(ROOT, path), "utf8");

  function behind(marker: string): string {
    const [, after] = text.split(`<!-- ${marker} -->\n`, 2);
    if (after === undefined) throw new Error(`${path} has no marker ${marker}`);
    return after;
  }

  return {
    text,
    code(marker) {
      const [, code] = /^```\w+\n([\s\S]*?)\n```/.exec(behind(marker)) ?? [];
      if (code === undefined) throw new Error(`${path} has no code at ${marker}`);
      return code;
    },
    answer(marker) {
      const [, answer] = /^```\w+\n[\s\S]*?\n```\n\n```text\n([\s\S]*?)\n```/.exec(behind(marker)) ?? [];
      if (answer === undefined) throw new Error(`${path} shows no answer at ${marker}`);
      return answer;
    },
    table(marker) {
      const [table = ""] = behind(marker).split("\n\n", 1);
      return table
        .split("\n")
        .slice(2)
        .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, cell = ""]) => cell));
    },
  };
}
