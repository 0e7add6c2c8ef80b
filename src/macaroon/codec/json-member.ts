import type { JsonObject, JsonValue } from "../../json/value.ts";
import { decodeBase64 } from "../parts/base64.ts";
import { toBytes } from "../parts/bytes.ts";
import { malformed } from "../parts/error.ts";
import { checkFieldSize, type Limits } from "../parts/limits.ts";

/** The value as an object without members that the format does not know. */
export function expectObject(value: JsonValue, known: ReadonlySet<string>): JsonObject {
  if (!(value instanceof Map)) malformed("not a json object");
  const members: JsonObject = value;
  for (const name of members.keys()) if (!known.has(name)) malformed("unknown json member");
  return members;
}

/** A member that is a string; absent and null are the same, as pymacaroons writes null for nothing. */
export function optionalString(members: JsonObject, name: string, limits: Limits): string | undefined {
  const value = members.get(name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") malformed(`json member ${name} is not a string`);
  // Base64 takes four characters for three bytes; a longer text has too many bytes however it is read.
  checkFieldSize("field", Math.floor(value.length / 2), limits);
  return value;
}

/** A member that must be a string. */
export function requiredString(members: JsonObject, name: string, limits: Limits): string {
  return optionalString(members, name, limits) ?? malformed(`no json member ${name}`);
}

/** A member that must be an array; absent and null are empty. */
export function optionalArray(members: JsonObject, name: string): readonly JsonValue[] {
  const value = members.get(name) ?? null;
  if (value === null) return [];
  return Array.isArray(value) ? value : malformed(`json member ${name} is not an array`);
}

/** The bytes of `name`, written as text, or of `name64`, written as base64; never of both. */
export function optionalBytes(members: JsonObject, name: string, limits: Limits): Uint8Array | undefined {
  const text = optionalString(members, name, limits);
  const base64 = optionalString(members, `${name}64`, limits);
  if (text !== undefined && base64 !== undefined) malformed(`json members ${name} and ${name}64 together`);
  if (base64 !== undefined) return decodeBase64(base64);
  return text === undefined ? undefined : toBytes(text);
}
