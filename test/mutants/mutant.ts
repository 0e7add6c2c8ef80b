/** A part of a text, and the text that takes its place. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** One small change of one source file. */
export interface Mutant {
  /** Path from the repository's root. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** The change in short: ``` `<` → `<=` ```. */
  readonly change: string;
  /** The line that changes, without the space at its ends. */
  readonly text: string;
  /** Which of the mutants with the same file, text and change this is, from 1. */
  readonly nth: number;
  readonly line: number;
  readonly column: number;
  /** The innermost function around the change: 0 is the module itself, then all functions in the order of the file. */
  readonly within: number;
}

/** A text with all edits made. They may not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = "";
  let at = 0;
  for (const edit of edits.toSorted((one, other) => one.start - other.start)) {
    if (edit.start < at) throw new Error("two edits overlap");
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

/** Where a mutant is and what it changes, on one line. */
export function describe(mutant: Mutant): string {
  return `${mutant.file}:${mutant.line}:${mutant.column}  ${mutant.change}   in: ${mutant.text}`;
}
