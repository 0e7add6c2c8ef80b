import type { Child } from "hono/jsx";

import { wholeCaveat } from "../../caveats/condition.ts";
import { verifiedText } from "../../caveats/together/summary-parts.ts";
import { printable } from "../../caveats/values/quote.ts";
import { isWorkload, readVoucher } from "../../domain/parts/voucher.ts";
import type { DischargeProtocol, DischargeSubject } from "../../domain/ports/discharge-requests.ts";
import type { KnownPerson } from "../../domain/ports/principals.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { findPerson, Person } from "./person.tsx";
import { SHOWN_TO, shownTo } from "./shown-to.ts";

const LONGEST = 1_000;
const MOST_REASON = 500;

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

/** The reason that somebody gave: their words stand in a frame, also within a list of the service's own sentences. */
export function Reason(props: { readonly text: string | null }) {
  if (props.text === null) return null;
  return (
    <div class="claims">
      <p>
        Their reason, unverified: <span>{printable(props.text, MOST_REASON)}</span>
      </p>
    </div>
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

/**
 * The beginning of every form that decides something. Enter in a form presses its first submit button, and a disabled one does
 * nothing: an answer is always a deliberate one. And it is the answer of the page's own reader.
 */
export function FormOf(props: { readonly identity: Identity }) {
  return (
    <>
      <button type="submit" disabled hidden />
      <input type="hidden" name={SHOWN_TO} value={shownTo(props.identity)} />
    </>
  );
}

/** Names the owner of the token that was shown. */
function ownerOf({ issuer, assertedBy }: DischargeSubject["principal"]): string {
  if (assertedBy === "platform") return "The platform says that the token is of";
  return isWorkload(issuer) ? "Workload (no person) whose token asks" : "Person whose token asks";
}

/**
 * The verified facts about the token that was shown: ids, the issuer's word, and limits that this service enforces. A name is a
 * person's own choice, and issued caveats are in the words of people and platforms: these stand among the claims.
 */
export function Facts(props: { readonly about: DischargeSubject }) {
  const { about } = props;
  const { issuer, subject, email, assertedBy } = about.principal;
  const isAsserted = assertedBy === "platform";
  return (
    <section class="facts">
      <h2>Verified by this service</h2>
      <dl>
        <Fact name="Platform" value={about.platform} />
        <dt>{ownerOf(about.principal)}</dt>
        <dd>
          <Person email={isAsserted ? null : email} subject={subject} />
        </dd>
        <Fact
          name="Vouched for by"
          value={
            isAsserted ? "the platform, by its own word" : printable(readVoucher(issuer).issuer, LONGEST)
          }
        />
        <Fact
          name="What the token allows at most. Words in quotes are of those who had it issued"
          value={verifiedText(about.summaryParts)}
        />
        <Fact name="Its link" value={about.revocationId} />
      </dl>
    </section>
  );
}

/** All that people wrote into the token that was shown: it narrows the token, and its words are theirs. */
export function HoldersWords(props: {
  readonly about: DischargeSubject | null;
  readonly people?: readonly KnownPerson[];
}) {
  const { about, people = [] } = props;
  if (about === null) return null;
  const { agents, caveats, issuedCaveats, principal } = about;
  const appended = caveats.slice(issuedCaveats);
  const name = principal.assertedBy === "issuer" ? findPerson(people, principal)?.name : null;
  return (
    <>
      {name ? <Claims title="Name that the person goes by, unverified" texts={[name]} /> : null}
      {agents.length === 0 ? null : (
        <Claims title="Agents that the token says it went through, unverified" texts={agents} />
      )}
      {appended.length === 0 ? null : (
        <Claims
          title="Caveats that its holders added. They narrow it; the words are theirs"
          texts={appended}
        />
      )}
      <details>
        <summary>Caveats that it was issued with</summary>
        <Claims
          title="They narrow it; the words are of the platform and of whoever had it issued"
          texts={caveats.slice(0, issuedCaveats)}
        />
      </details>
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
