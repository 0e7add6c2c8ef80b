/** The process's environment: variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** All that is wrong with the environment, one problem a line: the variable's name and what it must be, never its value. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** A value is not as it must be. The message goes behind the variable's name and never repeats the value. */
export class Invalid extends Error {}

/** Reads variables one by one and gathers all that is wrong with them. */
export interface Reader {
  /** A variable as it is written; undefined where it is unset or empty. */
  text(name: string): string | undefined;
  /**
   * A variable, parsed. A value that the parser refuses becomes a problem.
   *
   * @returns undefined where the variable is unset, empty or refused
   */
  read<T>(name: string, parse: (text: string) => T): T | undefined;
  /** The contents of a file that a variable names; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Adds a problem: a line that begins with the variable's name. */
  problem(line: string): void;
  /** All problems so far, in the order in which they were found. */
  readonly problems: readonly string[];
}

/** Makes a reader over one environment. */
export function createReader(environment: Environment, readFile: (path: string) => string): Reader {
  const problems: string[] = [];
  const text = (name: string) => (environment[name] === "" ? undefined : environment[name]);
  return {
    text,
    read(name, parse) {
      const value = text(name);
      if (value === undefined) return undefined;
      try {
        return parse(value);
      } catch (error) {
        problems.push(`${name}: ${error instanceof Invalid ? error.message : "cannot be read"}`);
        return undefined;
      }
    },
    readFile,
    problem(line) {
      problems.push(line);
    },
    problems,
  };
}
