import { UsageError } from "./exit.ts";

type Members = { [name: string]: unknown };

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*$/;

/**
 * Builds a request's context from `name=value` words: a dotted name makes objects, a repeated one a list, and a
 * value that is JSON is taken as JSON if that loses nothing.
 */
export function readContext(words: readonly string[], base: unknown = {}): Members {
  if (typeof base !== "object" || base === null || Array.isArray(base)) {
    throw new UsageError("the context must be a JSON object");
  }
  const context: Members = structuredClone(base) as Members;
  const given = new Set<string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, at);
    if (at < 0 || !NAME.test(name)) {
      throw new UsageError(`say what the call is as name=value, such as action=read args.amount=7`);
    }
    put(context, name.split("."), readValue(word.slice(at + 1)), given.has(name));
    given.add(name);
  }
  return context;
}

function put(context: Members, path: readonly string[], value: unknown, again: boolean): void {
  let members = context;
  for (const name of path.slice(0, -1)) {
    const inner = Object.hasOwn(members, name) ? members[name] : {};
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) {
      throw new UsageError(`${path.join(".")} goes through a value`);
    }
    Object.defineProperty(members, name, {
      value: inner,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    members = inner as Members;
  }
  const last = path.at(-1) ?? "";
  const before = members[last];
  const all = again ? [...(Array.isArray(before) ? before : [before]), value] : value;
  Object.defineProperty(members, last, { value: all, enumerable: true, writable: true, configurable: true });
}

function readValue(text: string): unknown {
  if (text === "true") return true;
  if (text === "false") return false;
  // A number that would lose digits as a double stays a text: it compares as the same decimal.
  if (/^-?[0-9]/.test(text) && String(Number(text)) === text) return Number(text);
  if (/^[[{"]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}
