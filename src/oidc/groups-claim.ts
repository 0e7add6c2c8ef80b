import { isText } from "../domain/parts/token-claims.ts";
import type { Claims } from "./claims.ts";

/** The names of members that lead to the groups, from the outside in; null if no groups are read at all. */
export type GroupsClaim = readonly string[] | null;

/** The claim that is read unless another one is set. */
export const USUAL_GROUPS_CLAIM: GroupsClaim = ["groups"];

const MAX_GROUPS = 1_000;
/** UTF-16 units of one group: an LDAP name of many parts. */
const MAX_GROUP = 1_024;

const STEP = /(?:"(?:[^"\\]|\\.)*"|[\w:-]+)(?=\.|$)/y;

/**
 * Reads the setting that names the claim: `groups`, a path such as `realm_access.roles`, a full name in quotes such as
 * `"https://example.com/groups"`, or `none`.
 *
 * @returns undefined for anything else
 */
export function parseGroupsClaim(text: string): GroupsClaim | undefined {
  if (text === "none") return null;
  const names: string[] = [];
  for (let at = 0; ; at += 1) {
    STEP.lastIndex = at;
    const [step] = STEP.exec(text) ?? [];
    const name = step === undefined ? undefined : nameOf(step);
    if (name === undefined) return undefined;
    names.push(name);
    at = STEP.lastIndex;
    if (at === text.length) return names;
  }
}

function nameOf(step: string): string | undefined {
  if (!step.startsWith('"')) return step;
  try {
    const name: unknown = JSON.parse(step);
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}

/** What claims say of groups. */
export type GroupsReading =
  | { readonly kind: "listed"; readonly groups: readonly string[] }
  | { readonly kind: "absent" }
  /** The claims say that there are groups, and not which. `sign` is the claim that says so. */
  | { readonly kind: "elsewhere"; readonly sign: string }
  | { readonly kind: "malformed" };

/**
 * The groups that claims name.
 *
 * One text is a list of one: providers write it so where there is one group. It is never split, since a group's name can
 * hold commas.
 */
export function readGroups(claims: Claims, claim: GroupsClaim): GroupsReading {
  if (claim === null) return { kind: "listed", groups: [] };
  let value: unknown = claims;
  for (const name of claim) {
    if (value === undefined || value === null) break;
    if (typeof value !== "object" || Array.isArray(value)) return { kind: "malformed" };
    value = Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
  }
  if (value === undefined || value === null) {
    const sign = elsewhere(claims, claim[0] ?? "");
    return sign === undefined ? { kind: "absent" } : { kind: "elsewhere", sign };
  }
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (groups.length > MAX_GROUPS || !groups.every(isGroup)) return { kind: "malformed" };
  return { kind: "listed", groups: [...new Set(groups)] };
}

function isGroup(value: unknown): value is string {
  return isText(value, MAX_GROUP);
}

/** The claim by which an issuer says that groups have to be asked for elsewhere (OpenID Connect Core §5.6.2; Entra). */
function elsewhere(claims: Claims, name: string): string | undefined {
  const names = claims["_claim_names"];
  if (typeof names === "object" && names !== null && Object.hasOwn(names, name)) return "_claim_names";
  const has = name === "groups" ? claims["hasgroups"] : undefined;
  return has === true || has === "true" ? "hasgroups" : undefined;
}
