import type { Taken } from "./parameters.ts";
import { DatabaseUrlError } from "./split.ts";

/** Reads parameters that were checked to be known. */
export interface Parameters {
  /** Its value; undefined if it is missing or empty. */
  text(name: Taken): string | undefined;
  /** Its value, which must be one of these. */
  one<T extends string>(name: Taken, values: readonly T[]): T | undefined;
  /** Its value as a whole number. */
  number(name: Taken): number | undefined;
}

/** Makes a reader over a URL's parameters. Its functions throw a DatabaseUrlError that names the parameter. */
export function readParameters(parameters: ReadonlyMap<string, string>): Parameters {
  const text = (name: Taken) => parameters.get(name) || undefined;
  return {
    text,
    one(name, values) {
      const value = text(name);
      const found = values.find((one) => one === value);
      if (value !== undefined && found === undefined) throw refused(name, `must be ${listed(values)}`);
      return found;
    },
    number(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^-?\d{1,9}$/.test(value)) throw refused(name, "must be a whole number");
      return Number(value);
    },
  };
}

/** The error for a parameter with a value that will not do. */
export function refused(name: Taken, what: string): DatabaseUrlError {
  return new DatabaseUrlError(`parameter ${name} ${what}`);
}

function listed(values: readonly string[]): string {
  return values.length < 2 ? values.join() : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}
