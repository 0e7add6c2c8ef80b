import fc from "fast-check";

import type { Choices } from "../choices.ts";
import { resolved, type Schema } from "./operations.ts";

/** What exists on the service under test, by the name of the member or parameter that takes it. */
export type Known = ReadonlyMap<string, readonly unknown[]>;

/** Levels below which only what is required is made. */
const DEEP = 4;
/** Texts that are made of a pattern: making them anew each time costs more than the request. */
const SAMPLES = 24;

const samples = new Map<string, readonly string[]>();

/** Texts that a pattern takes; the same ones in every run. */
function textsOf(pattern: string): readonly string[] {
  const made = samples.get(pattern);
  if (made !== undefined) return made;
  let texts: readonly string[];
  try {
    texts = fc.sample(fc.stringMatching(new RegExp(pattern, "u")), { numRuns: SAMPLES, seed: 1 });
  } catch {
    texts = ["a"]; // a pattern that cannot be turned round, as one that looks behind
  }
  samples.set(pattern, texts);
  return texts;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise);

/** Makes values that a schema takes, mostly. */
export function createMaker(choices: Choices, known: Known) {
  function text(schema: Schema): string {
    const { pattern, format } = schema;
    const least = number(schema["minLength"], 0);
    const most = Math.min(number(schema["maxLength"], 24), 4_096);
    if (typeof pattern === "string") return choices.pick(textsOf(pattern));
    if (format === "date-time") return new Date(1.7e12 + choices.below(2 ** 31) * 100).toISOString();
    if (format === "uri") return choices.pick(["https://api.example/mcp", "http://127.0.0.1:1/", "urn:x:y"]);
    if (format === "uuid") return "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
    const length = Math.max(least, choices.chance(0.05) ? most : choices.below(Math.min(most, 24) + 1));
    const bytes = choices.bytes(length);
    return Array.from(
      bytes,
      (byte) => choices.pick(["a", "e", "-", " ", "é", "0", ":", "/"])[0] ?? byte,
    ).join("");
  }

  function whole(schema: Schema): number {
    const least = number(schema["minimum"], number(schema["exclusiveMinimum"], 0));
    const most = number(schema["maximum"], least + 1_000);
    if (choices.chance(0.3)) return choices.pick([least, most]);
    return least + choices.below(Math.min(most - least, 2 ** 31) + 1);
  }

  function object(schema: Schema, depth: number): Record<string, unknown> {
    const required = new Set(list(schema["required"]));
    const made: Record<string, unknown> = {};
    for (const [name, of] of Object.entries(schema["properties"] ?? {})) {
      if (!required.has(name) && !choices.chance(depth < DEEP ? 0.4 : 0)) continue;
      made[name] = value(of as Schema, name, depth + 1);
    }
    const others = schema["additionalProperties"];
    if (others !== undefined && others !== false && choices.chance(0.5)) {
      const schemaOfOthers = typeof others === "object" && others !== null ? (others as Schema) : {};
      made[choices.pick(["action", "resource", "EUR", "args", "tool"])] = value(
        schemaOfOthers,
        "",
        depth + 1,
      );
    }
    return made;
  }

  /** @param name of the member or parameter that the value is for */
  function value(given: Schema, name: string, depth = 0): unknown {
    const there = known.get(name);
    if (there !== undefined && there.length > 0 && choices.chance(0.75)) return choices.pick(there);
    const schema = resolved(given);
    if ("const" in schema) return schema["const"];
    const allowed = list(schema["enum"]);
    if (allowed.length > 0) return choices.pick(allowed);
    const examples = list(schema["examples"]);
    if (examples.length > 0 && choices.chance(0.4)) return choices.pick(examples);
    const ways = [...list(schema["oneOf"]), ...list(schema["anyOf"])] as readonly Schema[];
    if (ways.length > 0) return value(choices.pick(ways), name, depth);
    const parts = list(schema["allOf"]) as readonly Schema[];
    if (parts.length > 0) return Object.assign({}, ...parts.map((part) => value(part, "", depth)));
    const { type } = schema;
    switch (Array.isArray(type) ? choices.pick(type) : type) {
      case "string":
        return text(schema);
      case "integer":
        return whole(schema);
      case "number":
        return choices.below(1_000) / 8;
      case "boolean":
        return choices.chance(0.5);
      case "null":
        return null;
      case "array": {
        const least = number(schema["minItems"], 0);
        const length = least + choices.below(depth < DEEP ? 3 : 1);
        return Array.from({ length }, () => value((schema["items"] ?? {}) as Schema, name, depth + 1));
      }
      case "object":
        return object(schema, depth);
      default:
        return choices.pick<unknown>(["read", 7, true, ["a", "b"], { amount: 12.5 }, null]);
    }
  }
  return { value };
}
