import type { Problem } from "../parts/problem-document.ts";
import { approvalPage, approvalsPage } from "./approval.tsx";
import { confirmationPage, notYoursPage } from "./confirmation.tsx";
import { consentPage, onwardPage } from "./consent.tsx";
import { deviceAnsweredPage, deviceConsentPage, devicePage } from "./device.tsx";
import { DOCS_POLICY, docsPage } from "./docs.tsx";
import { sessionOverPage, signedOutPage } from "./endings.tsx";
import { homePage } from "./home.tsx";
import { Layout, render } from "./layout.tsx";
import type { Pages } from "./pages.ts";
import { PAGE_POLICY } from "./style.ts";
import { tokenPage, tokensPage } from "./token.tsx";
import type { Viewer } from "./viewer.ts";

function Message(props: {
  readonly title: string;
  readonly text: string;
  readonly href: string;
  readonly reference: string;
  readonly viewer: Viewer;
}) {
  return (
    <Layout title={`${props.title} · Bakehouse`} viewer={props.viewer}>
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
  home: homePage,
  docs: docsPage,
  docsPolicy: DOCS_POLICY,
  tokens: tokensPage,
  token: tokenPage,
  problem: ({ title, detail }: Problem, reference, viewer) =>
    render(<Message title={title} text={`${detail}.`} href="/" reference={reference} viewer={viewer} />),
  consent: consentPage,
  onward: onwardPage,
  device: devicePage,
  deviceConsent: deviceConsentPage,
  deviceAnswered: deviceAnsweredPage,
  confirmation: confirmationPage,
  notYours: notYoursPage,
  approvals: approvalsPage,
  approval: approvalPage,
  signedOut: signedOutPage,
  sessionOver: sessionOverPage,
  loginFailed: (reason, reference, viewer, login) =>
    render(
      <Message
        title="Not signed in"
        text={`${reason}.`}
        href={login}
        reference={reference}
        viewer={viewer}
      />,
    ),
};
