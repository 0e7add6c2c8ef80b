import type { JsonObject } from "../json/value.ts";

/** First names of the attributes that belong to the service, in caveats and in contexts. */
const SERVICE: ReadonlySet<string> = new Set([
  "time",
  "agent",
  "depth",
  "uses",
  "spend",
  "rate",
  "holder",
  "aud",
  "client",
  "ancestor",
  "approval",
  "bh",
]);

/**
 * Facts that only the service may state. Caveats on them are ordinary ones: the service puts `platform`
 * into the context against which it clears its own credentials.
 */
const FACTS: ReadonlySet<string> = new Set(["principal", "platform", "token_id", "cost"]);

/** The names that no caller's context may set. */
export const RESERVED_NAMES: readonly string[] = [...SERVICE, ...FACTS];

/** Whether an attribute's first name belongs to the service: such a caveat has a form of its own or none. */
export function isServiceName(name: string): boolean {
  return SERVICE.has(name);
}

/**
 * The first member of a caller's context that only the service may set; undefined if there is none.
 *
 * For contexts that come from outside: the service refuses a context with such a member.
 */
export function reservedMember(context: JsonObject): string | undefined {
  for (const name of context.keys()) if (SERVICE.has(name) || FACTS.has(name)) return name;
  return undefined;
}
