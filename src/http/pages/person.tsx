import { printable } from "../../caveats/values/quote.ts";

const LONGEST_NAME = 255;

/**
 * A person as people know them, with the subject small beside it: names can be alike, and the subject decides.
 *
 * @param name for display only, as the issuer has it: often the person's own choice
 * @param email one that the issuer verified
 */
export function Person(props: {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly subject: string;
}) {
  const { name, email, subject } = props;
  const known = name ?? email ?? subject;
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
