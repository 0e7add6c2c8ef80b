import type { Identity, Session } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import type { Problem } from "../parts/problem.ts";
import { approvalPage, approvalsPage } from "./approval.tsx";
import { confirmationPage, notYoursPage } from "./confirmation.tsx";
import { sessionOverPage, signedOutPage } from "./endings.tsx";
import { Fact } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import { moment } from "./moment.ts";
import type { Pages } from "./pages.ts";
import { PAGE_POLICY } from "./style.ts";

function Home(props: { readonly identity: Identity | undefined; readonly programs: readonly Session[] }) {
  return (
    <Layout title="Bakehouse">
      <h1>Bakehouse</h1>
      <p>Tokens for agents: issued to people, narrowed offline, verified here, revoked at any link.</p>
      {props.identity === undefined ? <SignedOut /> : <SignedIn {...props} identity={props.identity} />}
      <p>
        <a href="/docs">API documentation</a> · <a href="/openapi.yaml">openapi.yaml</a>
      </p>
    </Layout>
  );
}

function SignedOut() {
  return (
    <p>
      You are not signed in. <a href="/login">Sign in</a>
    </p>
  );
}

function SignedIn(props: { readonly identity: Identity; readonly programs: readonly Session[] }) {
  const { name, email, subject, issuer, development } = props.identity;
  return (
    <>
      <p>You are signed in.</p>
      <dl>
        {name === null ? null : <Fact name="Name" value={name} />}
        {email === null ? null : <Fact name="Email" value={email} />}
        <Fact name="Subject" value={subject} />
        <Fact name="Issuer" value={issuer} />
      </dl>
      {development ? <p>By the development identity provider, which believes whatever it is told.</p> : null}
      <p>
        <a href={APPROVALS_PATH}>What you are asked to approve</a>
      </p>
      <Programs programs={props.programs} />
      <form method="post" action="/logout">
        <button type="submit">Sign out</button>
      </form>
    </>
  );
}

function Programs(props: { readonly programs: readonly Session[] }) {
  if (props.programs.length === 0) return null;
  return (
    <>
      <h2>Programs that act as you here</h2>
      <ul>
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
    </>
  );
}

function Message(props: {
  readonly title: string;
  readonly text: string;
  readonly href: string;
  readonly reference: string;
}) {
  return (
    <Layout title={`${props.title} · Bakehouse`}>
      <h1>{props.title}</h1>
      <p>{props.text}</p>
      <p>
        <a href={props.href}>{props.href === "/" ? "Front page" : "Try again"}</a>
      </p>
      <p>
        Whoever runs this service finds the cause in its log: reference <code>{props.reference}</code>
      </p>
    </Layout>
  );
}

/** The pages that this service shows to browsers. */
export const pages: Pages = {
  policy: PAGE_POLICY,
  home: (identity, programs) => render(<Home identity={identity} programs={programs} />),
  problem: (problem: Problem, reference) =>
    render(<Message title={problem.title} text={`${problem.detail}.`} href="/" reference={reference} />),
  confirmation: confirmationPage,
  notYours: notYoursPage,
  approvals: approvalsPage,
  approval: approvalPage,
  signedOut: signedOutPage,
  sessionOver: sessionOverPage,
  loginFailed: (reason, reference) =>
    render(<Message title="Not signed in" text={`${reason}.`} href="/login" reference={reference} />),
};
