import { LIMITS } from "../macaroon/index.ts";
import { type CaveatValue, equals } from "./caveats.ts";
import { TokenError } from "./error.ts";
import { anObject, aText, checkShape, ifSaid } from "./shape.ts";

/**
 * The caveats of exactly one call: `tool = …`, and `args.NAME = …` for each argument, nested ones by their path. With
 * them, {@link dischargeToken} asks for a yes to this call, and the discharge passes no other.
 *
 * An argument that is undefined is left out, as JSON leaves it out. A call with further arguments passes as well: no
 * caveat can say that one is missing.
 *
 * @param args the arguments, as the tool gets them
 * @param tool the tool's name, if the platform states a `tool`, as {@link guardTool} does: it writes `tool = …`, and the yes is
 *   worth nothing where no `tool` is stated. For one that states an `action` leave it out, and write `action = …` beside these
 * @returns caveats in the caveat language
 * @throws TokenError `invalid_caveat`, naming the argument that no caveat can say: a list, null, an empty object or
 *   text, a text with control characters, a number that is not finite, a name with other characters than the
 *   language has; and for a call with neither tool nor arguments, which nothing could tell from any other
 * @throws TypeError for arguments that are no object
 * @example
 * forThisCall({ amount: 40, to: "printers" }, "pay"); // ["tool = pay", "args.amount = 40", "args.to = printers"]
 * ["action = pay", ...forThisCall({ amount: 40 })]; // for a platform that states an action, and no tool
 */
export function forThisCall(args: object, tool?: string): readonly string[] {
  checkShape("forThisCall: the arguments", args, anObject('{ amount: 40, to: "printers" }'));
  checkShape("forThisCall: the tool", tool, ifSaid(aText('"pay"')));
  const caveats: string[] = [];
  if (tool !== undefined) collect(caveats, "tool", tool, []);
  collectMembers(caveats, "args", args, []);
  if (caveats.length === 0) {
    throw new TokenError(
      "invalid_caveat",
      "a call without arguments is like any other: name its tool behind them",
    );
  }
  return caveats;
}

/** A name that a path of the caveat language can hold. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

const LONGEST_PATH = 80;

function collect(caveats: string[], path: string, value: unknown, within: readonly object[]): void {
  if (value === undefined) return;
  if (isNested(value)) {
    collectMembers(caveats, path, value, within);
    return;
  }
  if (!isValue(value)) refuse(path);
  if (caveats.length === LIMITS.caveats) {
    throw new TokenError("invalid_caveat", `a call of more than ${LIMITS.caveats} values is too much to say`);
  }
  try {
    caveats.push(equals(path, value));
  } catch (error) {
    if (error instanceof TokenError) refuse(path);
    throw error;
  }
}

function collectMembers(caveats: string[], path: string, value: object, within: readonly object[]): void {
  if (within.includes(value)) refuse(path);
  for (const [name, member] of Object.entries(value)) {
    if (!NAME.test(name)) refuse(`${path}.${name}`);
    collect(caveats, `${path}.${name}`, member, [...within, value]);
  }
}

function isNested(value: unknown): value is object {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  );
}

function isValue(value: unknown): value is CaveatValue {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function refuse(path: string): never {
  const shown = path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
  throw new TokenError("invalid_caveat", `no caveat can say what ${JSON.stringify(shown)} is in this call`);
}
