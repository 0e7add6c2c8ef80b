import type { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { type JsonPathStep, renderPath } from "../../json/error.ts";
import { notAMemberAt } from "./members.ts";

type Issue = z.core.$ZodIssue;

/** A rule that a value broke, and where. */
interface Fault {
  readonly path: readonly PropertyKey[];
  readonly rule: string;
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
};

/**
 * Turns a schema's complaint into a refusal that names one member and what it must be. Nothing of the
 * value is repeated: it may be a secret in the wrong place.
 *
 * @param schema what it was checked against
 * @param data what was checked
 * @param within the way to it in the request
 */
export function invalid(
  error: z.ZodError,
  schema: z.core.$ZodType,
  data: unknown,
  within: readonly JsonPathStep[] = [],
): DomainError {
  const { path, rule } = firstFault(error.issues, schema, data);
  const steps = [...within, ...path].filter((step): step is JsonPathStep => typeof step !== "symbol");
  const member = renderPath(steps);
  return new DomainError("invalid_request", `${member === "" ? "the body" : member} ${rule}`, member);
}

function firstFault(issues: readonly Issue[], schema: z.core.$ZodType, data: unknown): Fault {
  // A misspelt member is both unknown and missing: the misspelling is what helps.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (issue === undefined) return { path: [], rule: "is not valid" };
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    return { path: [...issue.path, key], rule: notAMemberAt(schema, issue.path, key) };
  }
  if (issue.code === "invalid_union") return unionFault(issue, schema, at(data, issue.path));
  return { path: issue.path, rule: rule(issue, at(data, issue.path)) };
}

/** Of a union the closest branch speaks; where none is close, the union itself. */
function unionFault(issue: z.core.$ZodIssueInvalidUnion, schema: z.core.$ZodType, data: unknown): Fault {
  const unknown = issue.errors.map((branch) => branch.flatMap((i) => ("keys" in i ? i.keys : [])));
  const nowhere = unknown[0]?.find((key) => unknown.every((keys) => keys.includes(key)));
  if (nowhere !== undefined) {
    return { path: [...issue.path, nowhere], rule: notAMemberAt(schema, issue.path, nowhere) };
  }
  const close = issue.errors.find((branch) => branch.length === 1 && branch[0]?.path.length === 1);
  const only = close?.[0];
  if (only === undefined || at(data, only.path) === undefined) {
    return { path: issue.path, rule: issue.message };
  }
  return { path: [...issue.path, ...only.path], rule: rule(only, at(data, only.path)) };
}

function at(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const step of path) {
    // What keeps its numbers' text stays as it was parsed.
    if (value instanceof Map) {
      value = value.get(step);
      continue;
    }
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return value;
}

function rule(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return "is required";
      return `must be ${NOUNS[issue.expected] ?? "of another type"}`;
    case "too_small":
      return `must ${size(issue.origin, "least", issue.minimum)}`;
    case "too_big":
      return `must ${size(issue.origin, "most", issue.maximum)}`;
    case "invalid_value":
      return value === undefined ? "is required" : `must be one of ${issue.values.map(String).join(", ")}`;
    // The schemas of this adapter say themselves what they want.
    case "invalid_format":
    case "custom":
      return value === undefined && issue.code === "custom" ? "is required" : issue.message;
    default:
      return "is not valid";
  }
}

function size(origin: string, bound: "least" | "most", limit: number | bigint): string {
  if (origin === "string") return `have at ${bound} ${limit} characters`;
  if (origin === "array") return `have at ${bound} ${limit} items`;
  return `be at ${bound} ${limit}`;
}
