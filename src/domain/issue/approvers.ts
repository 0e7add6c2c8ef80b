import { quote } from "../../caveats/values/quote.ts";
import { parseTerms } from "../../conditions/parse.ts";
import { printTerms } from "../../conditions/print.ts";
import type { ApprovalCondition, Terms } from "../../conditions/terms.ts";
import { DomainError } from "../parts/error.ts";
import type { KnownPerson, PeopleStore } from "../ports/principals.ts";

/** The approvers of a ticket, as it is written. */
export interface Approvers {
  /** The condition, with subjects in the place of e-mails. */
  readonly condition: string;
  /** Names the approvers that have never been seen. */
  readonly warnings: readonly string[];
}

/** A ticket's condition, and the request's member that holds it. */
export interface AskedCondition {
  readonly text: string;
  readonly terms: Terms;
  readonly member: string;
}

function isAddress(name: string): boolean {
  return name.includes("@");
}

/** Whether two addresses are one, in ASCII: lower case makes a k of the Kelvin sign too. */
function isSameAddress(one: string, other: string): boolean {
  return !/[^!-~]/.test(one + other) && one.toLowerCase() === other.toLowerCase();
}

function unprocessable(detail: string, member: string): DomainError {
  return new DomainError("unprocessable", detail, member);
}

/** The one known subject that a name means. A subject may look like an e-mail, and then both readings count. */
function subjectOf(name: string, known: readonly KnownPerson[], member: string): string {
  const subjects = new Set(
    known
      .filter(({ subject, email }) => subject === name || (email !== null && isSameAddress(email, name)))
      .map(({ subject }) => subject),
  );
  const [only, another] = subjects;
  if (only === undefined) {
    const cure = "let them sign in here once, or name them by their subject";
    throw unprocessable(
      `nobody who has signed in here has the verified e-mail ${quote(name)}: ${cure}`,
      member,
    );
  }
  if (another === undefined) return only;
  throw unprocessable(`several people have the e-mail ${quote(name)}: name the one by their subject`, member);
}

function resolve({ text, terms, member }: AskedCondition, known: readonly KnownPerson[]): Approvers {
  const { condition } = terms;
  if (condition.kind !== "approved-by") return { condition: text, warnings: [] };
  const seen = new Set(known.map(({ subject }) => subject));
  const warnings = condition.subjects
    .filter((subject) => !isAddress(subject) && !seen.has(subject))
    .map(
      (subject) =>
        `nobody with the subject ${quote(subject)} has signed in here: until they do, they cannot approve`,
    );
  if (!condition.subjects.some(isAddress)) return { condition: text, warnings };
  const subjects = condition.subjects.map((name) =>
    isAddress(name) ? subjectOf(name, known, member) : name,
  );
  const resolved: ApprovalCondition = { ...condition, subjects: [...new Set(subjects)] };
  const written = printTerms({ ...terms, condition: resolved });
  // Two names of one person are one approver: there may be too few now.
  const reading = parseTerms(written);
  if (!reading.ok) throw unprocessable(reading.detail, member);
  return { condition: written, warnings };
}

/**
 * Resolves approvers that are named by verified e-mail to the subjects that are written into the tickets. A ticket is settled
 * when it is written: an address that changes hands later changes nothing.
 *
 * @param issuer whose subjects are meant
 * @returns one for each condition; rejects with `unprocessable` for an e-mail that is nobody's, or several people's
 */
export async function resolveApprovers(
  asked: readonly AskedCondition[],
  { people, issuer }: { readonly people: Pick<PeopleStore, "known">; readonly issuer: string },
): Promise<readonly Approvers[]> {
  const names = asked.flatMap(({ terms: { condition } }) =>
    condition.kind === "approved-by" ? condition.subjects : [],
  );
  const known = names.length === 0 ? [] : await people.known(issuer, [...new Set(names)]);
  return asked.map((one) => resolve(one, known));
}
