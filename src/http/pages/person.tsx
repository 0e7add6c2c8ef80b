import { printable } from "../../caveats/values/quote.ts";
import type { KnownPerson } from "../../domain/ports/principals.ts";

const LONGEST_NAME = 255;

/** People choose their names: one with an address in it would pass for what was verified. */
const NAME = /^[\p{L}\p{M}\p{Nd} .,'’·-]+$/u;

/** An address with letters that look like those of ASCII is not shown. */
const ADDRESS = /^[!-~]+$/;

/** Finds a person among those that have been seen here. */
export function findPerson(
  people: readonly KnownPerson[],
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): KnownPerson | undefined {
  return people.find((person) => person.issuer === issuer && person.subject === subject);
}

/**
 * A person as people know them, with the subject small beside it: names can be alike, and the subject decides. Only a reader is told
 * their own name: of others it is a claim, and no claim stands in a sentence of the service.
 *
 * @param name for display only, as the issuer has it: often the person's own choice
 * @param email one that the issuer verified
 */
export function Person(props: {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly subject: string;
  /** Whether it is the reader. */
  readonly isViewer?: boolean;
}) {
  const { name, email, subject, isViewer = false } = props;
  const named = name && NAME.test(name) ? name : undefined;
  const reached = email && ADDRESS.test(email) ? email : undefined;
  const known = (isViewer ? (named ?? reached) : reached) ?? subject;
  return (
    <>
      <b>{printable(known, LONGEST_NAME)}</b>
      {known === subject ? null : (
        <>
          {" "}
          <small>{printable(subject, LONGEST_NAME)}</small>
        </>
      )}
    </>
  );
}
