import { quote } from "../../caveats/values/quote.ts";
import { parseTerms } from "../../conditions/parse.ts";
import { printTerms } from "../../conditions/print.ts";
import type { ApprovalCondition, Terms } from "../../conditions/terms.ts";
import { DomainError } from "../parts/error.ts";
import { mapInSlices, type SliceClock } from "../parts/time-slice.ts";
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

/** The one form of an address. Undefined if it is not all ASCII: lower case makes a k of the Kelvin sign, too. */
function formOf(address: string): string | undefined {
  return /[^!-~]/.test(address) ? undefined : address.toLowerCase();
}

/** The people that may be meant, by subject and by address: a request of a hundred tickets names thousands. */
interface Known {
  readonly subjects: ReadonlySet<string>;
  readonly byAddress: ReadonlyMap<string, readonly string[]>;
}

function knownBy(people: readonly KnownPerson[]): Known {
  const byAddress = new Map<string, string[]>();
  for (const { subject, email } of people) {
    const form = email === null ? undefined : formOf(email);
    if (form === undefined) continue;
    const others = byAddress.get(form);
    if (others === undefined) byAddress.set(form, [subject]);
    else others.push(subject);
  }
  return { subjects: new Set(people.map(({ subject }) => subject)), byAddress };
}

function unprocessable(detail: string, member: string): DomainError {
  return new DomainError("unprocessable", detail, member);
}

/** The one known subject that a name means. A subject may look like an e-mail, and then both readings count. */
function subjectOf(name: string, { subjects: known, byAddress }: Known, member: string): string {
  const subjects = new Set([
    ...(known.has(name) ? [name] : []),
    ...(byAddress.get(formOf(name) ?? "") ?? []),
  ]);
  const [only, another] = subjects;
  if (only !== undefined && another === undefined) return only;
  // One text for none and for several: how many people have an address is told to nobody.
  const cure = "let them sign in here once, or name the one by their subject";
  throw unprocessable(
    `no one person who has signed in here has the verified e-mail ${quote(name)}: ${cure}`,
    member,
  );
}

function resolve({ text, terms, member }: AskedCondition, known: Known): Approvers {
  const { condition } = terms;
  if (condition.kind !== "approved-by") return { condition: text, warnings: [] };
  const warnings = condition.subjects
    .filter((subject) => !isAddress(subject) && !known.subjects.has(subject))
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
 * @param issuer the issuer of the subjects that are meant
 * @returns one for each condition; rejects with `unprocessable` for an e-mail that is nobody's, or several people's
 */
export async function resolveApprovers(
  asked: readonly AskedCondition[],
  options: {
    readonly people: Pick<PeopleStore, "known">;
    readonly issuer: string;
    readonly clock: SliceClock;
  },
): Promise<readonly Approvers[]> {
  const names = asked.flatMap(({ terms: { condition } }) =>
    condition.kind === "approved-by" ? condition.subjects : [],
  );
  const { people, issuer, clock } = options;
  const known = knownBy(names.length === 0 ? [] : await people.known(issuer, [...new Set(names)]));
  return mapInSlices(asked, clock, (one) => resolve(one, known));
}
