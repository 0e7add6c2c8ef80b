import type { Child } from "hono/jsx";

import { printable } from "../../caveats/values/quote.ts";
import type { Confirmation } from "../../domain/discharge-service.ts";
import type { Identity, Session } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { ApprovalItems } from "./approval.tsx";
import { Fact } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import { moment } from "./moment.ts";
import { type HomeView, TOKENS_PATH } from "./pages.ts";
import { TokenItems } from "./token.tsx";

/** Characters of a text in a list. */
const LONGEST = 1_000;

function Part(props: { readonly title: string; readonly children: Child }) {
  return (
    <section>
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}

function SignedIn(props: HomeView) {
  const { identity, approvals, moreWait, confirmed, tokens, programs } = props;
  return (
    <>
      <Part title="Waits for you">
        {approvals.length === 0 ? (
          <p>Nobody waits for your approval.</p>
        ) : (
          <ApprovalItems views={approvals} />
        )}
        {moreWait ? <p>More wait than are shown here: these are some of each who asks.</p> : null}
        <p>
          <a href={APPROVALS_PATH}>All that you were asked to approve</a>
        </p>
      </Part>
      <Confirmed confirmed={confirmed} />
      <Part title="Your tokens">
        {tokens.length === 0 ? (
          <p>
            None yet. <code>npx bakehouse issue</code> gets one, once <code>npx bakehouse login</code> has
            signed you in there.
          </p>
        ) : (
          <>
            <TokenItems tokens={tokens} />
            <p>
              <a href={TOKENS_PATH}>All your tokens</a>
            </p>
          </>
        )}
      </Part>
      <Programs programs={programs} />
      <Account identity={identity} />
    </>
  );
}

function Confirmed(props: { readonly confirmed: readonly Confirmation[] }) {
  if (props.confirmed.length === 0) return null;
  return (
    <Part title="What you have confirmed, and can take back">
      <ul class="rows">
        {props.confirmed.map(({ id, allows, decidedAt }) => (
          <li>
            <a href={`/discharges/${id}`}>Confirmed on {moment(decidedAt)}</a>
            <p>{printable(allows, LONGEST)}</p>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Account(props: { readonly identity: Identity }) {
  const { name, email, subject, issuer, development } = props.identity;
  return (
    <Part title="Your account">
      <dl>
        {name === null ? null : <Fact name="Name" value={name} />}
        {email === null ? null : <Fact name="Email, verified" value={email} />}
        <Fact name="Subject, by which approvals name you" value={subject} />
        <Fact name="Issuer" value={issuer} />
      </dl>
      {development ? <p>By the development identity provider, which believes whatever it is told.</p> : null}
    </Part>
  );
}

function Programs(props: { readonly programs: readonly Session[] }) {
  if (props.programs.length === 0) return null;
  return (
    <Part title="Programs that act as you here">
      <ul class="rows">
        {props.programs.map(({ id, createdAt, expiresAt }) => (
          <li>
            since {moment(createdAt)}, until {moment(expiresAt)}
            <form method="post" action={`/sessions/${id}/end`}>
              <button type="submit">End it</button>
            </form>
          </li>
        ))}
      </ul>
      <p>Signing out ends all of them.</p>
    </Part>
  );
}

/** The front page. @param view undefined if nobody is signed in */
export function homePage(view: HomeView | undefined): string {
  return render(
    <Layout title="Bakehouse" viewer={view?.identity ?? "nobody"}>
      <h1>Bakehouse</h1>
      <p>Tokens for agents: issued to people, narrowed offline, verified here, revoked at any link.</p>
      {view === undefined ? null : <SignedIn {...view} />}
      <p>
        <a href="/docs">API documentation</a> · <a href="/openapi.yaml">openapi.yaml</a>
      </p>
    </Layout>,
  );
}
