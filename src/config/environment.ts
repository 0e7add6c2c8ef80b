import { fileVariable, type SettingName } from "./settings.ts";

/** The process's environment: variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** All faults of the environment, one a line: the variable's name and the form that it must have, never its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** Their likely cause: variables that are ignored. */
  readonly warnings: readonly string[];

  constructor(problems: readonly string[], warnings: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
    this.warnings = warnings;
  }
}

/** A value is not as it must be. The message goes behind the variable's name and never repeats the value. */
export class Invalid extends Error {}

/** A secret's file as it was found. */
export interface SecretFile {
  readonly text: string;
  /** Its permission bits. */
  readonly mode: number;
}

/** Reads variables one by one and gathers all that is wrong with them. */
export interface Reader {
  /**
   * A setting as it is written in its variable, or in the file that another variable names, without the ends of lines
   * behind it; undefined if it is unset, empty or cannot be read.
   */
  text(name: SettingName): string | undefined;
  /** Whether a setting is set at all, even if it cannot be read. */
  isSet(name: SettingName): boolean;
  /**
   * A setting, parsed. A value that the parser refuses becomes a problem.
   *
   * @returns undefined if the setting is unset, empty or refused
   */
  read<T>(name: SettingName, parse: (text: string) => T): T | undefined;
  /** The contents of the public file that a setting names, parsed. What cannot be read or parsed becomes a problem. */
  contents<T>(name: SettingName, parse: (text: string) => T): T | undefined;
  /** Adds a problem: a line that begins with the variable's name. */
  problem(line: string): void;
  /** Adds a fact that is no problem and yet not as it should be: a line that begins with the variable's name. */
  warn(line: string): void;
  /** All problems so far, in the order in which they were found. */
  readonly problems: readonly string[];
  /** Facts that are no problem and yet not as they should be, one a line. */
  readonly warnings: readonly string[];
}

/** Bytes that a file without secrets may hold: a bundle of authorities is long. */
const MOST_PUBLIC_BYTES = 1024 * 1024;

/** The rights of everybody else to read and to write. */
const OTHERS = 0o006;

/** Makes a reader over one environment. @param readFile throws if the file cannot be read */
export function createReader(
  environment: Environment,
  readFile: (path: string, mostBytes?: number) => SecretFile | string,
): Reader {
  const problems: string[] = [];
  const warnings: string[] = [];
  const found = new Map<SettingName, { readonly from: string; readonly value: string | undefined }>();
  const written = (name: string) => (environment[name] === "" ? undefined : environment[name]);

  function complain(name: string, error: unknown): void {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    const unread = `cannot be read${code}: name a file that this user may read`;
    problems.push(`${name}: ${error instanceof Invalid ? error.message : unread}`);
  }

  function fromFile(variable: string, path: string): string | undefined {
    try {
      const file = readFile(path);
      const text = (typeof file === "string" ? file : file.text).replace(/[\r\n]+$/, "");
      if (text === "") throw new Invalid("the file is empty");
      if (typeof file !== "string" && (file.mode & OTHERS) !== 0) {
        warnings.push(`${variable}: every user of this machine can read or write the file: chmod 600 it`);
      }
      return text;
    } catch (error) {
      complain(variable, error);
      return undefined;
    }
  }

  function find(name: SettingName) {
    const before = found.get(name);
    if (before !== undefined) return before;
    const inFile = fileVariable(name);
    const path = inFile === undefined ? undefined : written(inFile);
    let value = written(name);
    let from: string = name;
    if (inFile !== undefined && path !== undefined) {
      if (value === undefined) {
        from = inFile;
        value = fromFile(inFile, path);
      } else {
        problems.push(`${name}: set it or ${inFile}, not both`);
        value = undefined;
      }
    }
    const all = { from, value };
    found.set(name, all);
    return all;
  }

  return {
    text: (name) => find(name).value,
    isSet: (name) =>
      [name, fileVariable(name)].some(
        (variable) => variable !== undefined && written(variable) !== undefined,
      ),
    read(name, parse) {
      const { from, value } = find(name);
      if (value === undefined) return undefined;
      try {
        return parse(value);
      } catch (error) {
        complain(from, error);
        return undefined;
      }
    },
    contents(name, parse) {
      const path = find(name).value;
      if (path === undefined) return undefined;
      try {
        const file = readFile(path, MOST_PUBLIC_BYTES);
        return parse(typeof file === "string" ? file : file.text);
      } catch (error) {
        complain(name, error);
        return undefined;
      }
    },
    problem(line) {
      problems.push(line);
    },
    warn(line) {
      warnings.push(line);
    },
    problems,
    warnings,
  };
}
