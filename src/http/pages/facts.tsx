import type { Child } from "hono/jsx";

import { wholeCaveat } from "../../caveats/condition.ts";
import { verifiedText } from "../../caveats/together/summary-parts.ts";
import { printable } from "../../caveats/values/quote.ts";
import type { DischargeProtocol, DischargeSubject } from "../../domain/ports/discharge-requests.ts";
import type { KnownPerson } from "../../domain/ports/principals.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { Person } from "./person.tsx";

const LONGEST = 1_000;

/** A name and its value in a list of definitions. */
export function Fact(props: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </>
  );
}

/** Text that nobody vouches for: in a frame and a type of its own, with everything unseen in it made visible. */
export function Claims(props: { readonly title: string; readonly texts: readonly string[] }) {
  return (
    <section class="claims">
      <h2>{props.title}</h2>
      {props.texts.map((text) => (
        <p>{printable(text, LONGEST)}</p>
      ))}
    </section>
  );
}

/**
 * The effect of a yes, as the largest sentence of a page. All else is open, so that a limit that is left out
 * is seen to be left out.
 */
export function Effect(props: { readonly allows: string; readonly caveats: readonly string[] }) {
  const { allows, caveats } = props;
  return (
    <>
      <h1 class="effect">{allows}</h1>
      <p>This service enforces this sentence. Whatever it does not name is left open.</p>
      {caveats.length === 0 ? null : (
        <details>
          <summary>The limits that whoever asks has set, in full</summary>
          <ul>
            {caveats.map((caveat) => (
              <li>
                <code>{wholeCaveat(caveat)}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** Enter in a form presses its first submit button, and a disabled one does nothing: an answer is always a deliberate one. */
export function NoDefault() {
  return <button type="submit" disabled hidden />;
}

/** What was verified about the token that was shown. */
export function Facts(props: { readonly about: DischargeSubject; readonly people?: readonly KnownPerson[] }) {
  const { about, people = [] } = props;
  const { issuer, subject, email, assertedBy } = about.principal;
  const known =
    assertedBy === "issuer"
      ? people.find((person) => person.issuer === issuer && person.subject === subject)
      : undefined;
  return (
    <section class="facts">
      <h2>Verified by this service</h2>
      <dl>
        <Fact name="Platform" value={about.platform} />
        <dt>Person whose token asks</dt>
        <dd>
          <Person name={known?.name} email={email ?? known?.email} subject={subject} />
        </dd>
        <Fact
          name="Vouched for by"
          value={assertedBy === "platform" ? "the platform, by its own word" : printable(issuer, LONGEST)}
        />
        <Fact name="What the token allows at most" value={verifiedText(about.summaryParts)} />
        <Fact name="Its link" value={about.revocationId} />
      </dl>
      <details>
        <summary>Every caveat that the issuer wrote</summary>
        <ul>
          {about.caveats.slice(0, about.issuedCaveats).map((caveat) => (
            <li>
              <code>{caveat}</code>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

/** All that holders wrote into the token that was shown: it narrows the token, and its words are theirs. */
export function HoldersWords(props: { readonly about: DischargeSubject | null }) {
  if (props.about === null) return null;
  const { agents, caveats, issuedCaveats } = props.about;
  const appended = caveats.slice(issuedCaveats);
  return (
    <>
      {agents.length === 0 ? null : (
        <Claims title="Agents that the token says it went through, unverified" texts={agents} />
      )}
      {appended.length === 0 ? null : (
        <Claims
          title="Caveats that its holders added. They narrow it; the words are theirs"
          texts={appended}
        />
      )}
    </>
  );
}

/** The code that whoever asks was shown too. */
export function Code(props: {
  readonly code: string;
  readonly protocol: DischargeProtocol;
  readonly children: Child;
}) {
  return (
    <>
      <p>{props.children}</p>
      <p class="code">{props.code}</p>
      {props.protocol === "native" ? null : (
        <p>
          Programs of this kind may have no way to show it: go on only if you know which one opened this page.
        </p>
      )}
    </>
  );
}

/** Whose session it is that answers. */
export function Whoami(props: { readonly identity: Identity }) {
  return (
    <p>
      You are signed in as <Person {...props.identity} isViewer />.
    </p>
  );
}
