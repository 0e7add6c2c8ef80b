import { parseOptions } from "./options.ts";
import { malformed, Refusal, unknown } from "./refusal.ts";
import { type Condition, MAX_NAMES, MAX_TEXT, type Terms } from "./terms.ts";
import { type Cursor, isClean, take, takeName } from "./words.ts";

/** The outcome of reading a ticket's text. `unknown`: a condition or an option that this service does not serve. */
export type Reading =
  | { readonly ok: true; readonly terms: Terms }
  | { readonly ok: false; readonly code: "malformed" | "unknown"; readonly detail: string };

/**
 * Reads the text of a ticket, strictly: a text that is not exactly a sentence of the grammar in README.md is refused,
 * and so is an unknown option, since the ticket's writer meant to demand something by it.
 *
 * Never throws. The detail names rules and never repeats the text.
 */
export function parseTerms(text: string): Reading {
  try {
    if (!isClean(text)) malformed("a condition is one line without control characters");
    const cursor: Cursor = { text, at: 0 };
    const declared = takeDeclared(cursor);
    const options = parseOptions(cursor);
    const condition = takeCondition(cursor);
    const named = condition.kind === "approved-by" && condition.groups.length > 0;
    if (options.principalCounts && !named) malformed("principal=counts goes with a group that approves");
    // The caveat that such a discharge gets takes its asker for the person elsewhere, and an approver was asked for a yes.
    if (declared.length > 0 && condition.kind === "approved-by") malformed("approved-by declares nobody");
    return { ok: true, terms: { options, declared, condition } };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, detail: error.message };
    throw error;
  }
}

// macaroon-bakery's wrapper (`checkers.NeedDeclaredCaveat`); it stands before everything else.
function takeDeclared(cursor: Cursor): readonly string[] {
  if (take(cursor, /need-declared /y) === undefined) return [];
  const names = take(cursor, /([a-z][a-z0-9-]{0,63}(?:,[a-z][a-z0-9-]{0,63}){0,15}) /y)?.[1];
  if (names === undefined) malformed("need-declared takes names separated by commas");
  return [...new Set(names.split(","))];
}

function takeCondition(cursor: Cursor): Condition {
  const kind = take(cursor, /[^ ]+/y)?.[0];
  switch (kind) {
    case "is-authenticated-user":
    case "is-principal":
      if (cursor.at < cursor.text.length) malformed(`${kind} takes nothing behind it`);
      return { kind };
    case "is-member-of":
      return { kind, groups: takeGroups(cursor) };
    case "approved-by":
      return takeApproval(cursor);
    case undefined:
      return malformed("a condition begins with its name");
    default:
      return unknown("this condition is not one that this service serves");
  }
}

function takeGroups(cursor: Cursor): readonly string[] {
  const groups: string[] = [];
  while (cursor.at < cursor.text.length) {
    take(cursor, / /y) ?? malformed("groups are separated by one space");
    groups.push(takeName(cursor) ?? malformed("a group is one word, or a JSON string"));
    if (groups.length > MAX_NAMES) malformed(`a condition names at most ${MAX_NAMES} groups`);
  }
  if (groups.length === 0) malformed("is-member-of names at least one group");
  return distinct(groups);
}

function takeApproval(cursor: Cursor): Condition {
  take(cursor, / /y) ?? malformed("approved-by names who approves");
  const count = take(cursor, /([0-9]+) of /y)?.[1] ?? "1";
  if (!/^[1-9][0-9]?$/.test(count)) malformed("the number of approvals is 1 to 99");
  const needed = Number(count);
  const subjects: string[] = [];
  const groups: string[] = [];
  do {
    const list = take(cursor, /group:/y) === undefined ? subjects : groups;
    list.push(takeName(cursor) ?? malformed("an approver is one word, group:NAME, or a JSON string"));
    if (subjects.length + groups.length > MAX_NAMES) malformed(`at most ${MAX_NAMES} approvers are named`);
  } while (take(cursor, /,/y) !== undefined);
  take(cursor, / /y) ?? malformed("behind the approvers stands one space and what they approve");

  const text = cursor.text.slice(cursor.at);
  if (text === "" || text.trim() !== text) malformed("what is approved has no space at its ends");
  if (text.length > MAX_TEXT) malformed(`what is approved has at most ${MAX_TEXT} characters`);
  if (groups.length === 0 && subjects.length < needed)
    malformed("more approvals are needed than people named");
  return {
    kind: "approved-by",
    needed,
    subjects: distinct(subjects),
    groups: distinct(groups),
    text,
  };
}

function distinct(names: readonly string[]): readonly string[] {
  return new Set(names).size === names.length ? names : malformed("a name stands there twice");
}
