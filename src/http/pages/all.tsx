import type { Identity } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import type { Problem } from "../parts/problem.ts";
import { approvalPage, approvalsPage } from "./approval.tsx";
import { confirmationPage } from "./confirmation.tsx";
import { Fact } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import type { Pages } from "./pages.ts";
import { PAGE_POLICY } from "./style.ts";

function Home(props: { readonly identity: Identity | undefined }) {
  return (
    <Layout title="Bakehouse">
      <h1>Bakehouse</h1>
      <p>Tokens for agents: issued to people, narrowed offline, verified here, revoked at any link.</p>
      {props.identity === undefined ? <SignedOut /> : <SignedIn identity={props.identity} />}
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

function SignedIn(props: { readonly identity: Identity }) {
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
      <form method="post" action="/logout">
        <button type="submit">Sign out</button>
      </form>
    </>
  );
}

function Message(props: { readonly title: string; readonly text: string; readonly href: string }) {
  return (
    <Layout title={`${props.title} · Bakehouse`}>
      <h1>{props.title}</h1>
      <p>{props.text}</p>
      <p>
        <a href={props.href}>{props.href === "/" ? "Front page" : "Try again"}</a>
      </p>
    </Layout>
  );
}

/** The pages that this service shows to browsers. */
export const pages: Pages = {
  policy: PAGE_POLICY,
  home: (identity) => render(<Home identity={identity} />),
  problem: (problem: Problem) =>
    render(<Message title={problem.title} text={`${problem.detail}.`} href="/" />),
  confirmation: confirmationPage,
  approvals: approvalsPage,
  approval: approvalPage,
  loginFailed: (reason) => render(<Message title="Not signed in" text={`${reason}.`} href="/login" />),
};
