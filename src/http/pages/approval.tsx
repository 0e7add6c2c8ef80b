import { printable } from "../../caveats/values/quote.ts";
import type { ApprovalView } from "../../domain/discharge-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { Claims, Code, Facts, HoldersWords, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";

const STATES = {
  pending: "Waiting",
  granted: "Approved",
  denied: "Denied",
  dropped: "Made room for newer requests",
  expired: "Expired",
} as const;

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}

function Scope(props: { readonly view: ApprovalView }) {
  const { view } = props;
  const { needed } = view.condition;
  return (
    <p>
      If you approve, the token's holder can use it for {minutes(view.life)}, within every caveat that it has
      {view.about === null ? "" : ", and whatever is narrowed from this very link as well"}.
      {needed > 1 ? ` ${needed} people have to approve; one who denies ends it.` : ""}
    </p>
  );
}

function Said(props: { readonly view: ApprovalView }) {
  const { decisions } = props.view;
  if (decisions.length === 0) return null;
  return (
    <ul>
      {decisions.map(({ subject, approved, reason }) => (
        <li>
          {printable(subject, 255)} {approved ? "approved" : "denied"}
          {reason === null ? "" : `: ${printable(reason, 500)}`}
        </li>
      ))}
    </ul>
  );
}

function Decide(props: { readonly view: ApprovalView; readonly login: string }) {
  const { view, login } = props;
  const { obstacle } = view;
  return (
    <>
      {obstacle === undefined ? null : (
        <p role="alert">
          You cannot approve now: {obstacle.detail}.{" "}
          {obstacle.login ? <a href={login}>Sign in again</a> : null}
        </p>
      )}
      <form method="post" action={`${APPROVALS_PATH}/${view.id}`}>
        {/* Enter in the field presses a form's first submit button, and a disabled one does nothing. */}
        <button type="submit" disabled hidden />
        <label for="reason">Reason, for the record (may be left empty)</label>
        <input type="text" id="reason" name="reason" maxlength={500} autocomplete="off" value="" />
        {obstacle === undefined ? (
          <button type="submit" name="decision" value="approve" class="yes">
            Approve
          </button>
        ) : null}
        <button type="submit" name="decision" value="deny" class="no">
          Deny
        </button>
      </form>
    </>
  );
}

/** The page on which a person approves or denies. */
export function approvalPage(view: ApprovalView, identity: Identity, login: string): string {
  const { about, condition, state } = view;
  return render(
    <Layout title="Approval · Bakehouse">
      <h1>You are asked to approve</h1>
      <Whoami subject={identity.subject} />
      <Claims title="The request, unverified: written by whoever made the ticket" texts={[condition.text]} />
      {about === null ? (
        <p role="alert">
          Nothing is known about who asks, nor about the token that this is for. Approve only if you know the
          request.
        </p>
      ) : (
        <Facts about={about} />
      )}
      <HoldersWords about={about} />
      <Code code={view.code} protocol={view.protocol}>
        The program that asks shows this code:
      </Code>
      <Scope view={view} />
      <p>
        <strong>{STATES[state]}.</strong>
      </p>
      <Said view={view} />
      {state === "pending" ? <Decide view={view} login={login} /> : null}
      <p>
        <a href={APPROVALS_PATH}>All approvals</a>
      </p>
    </Layout>,
  );
}

/** The list of a person's approvals. */
export function approvalsPage(views: readonly ApprovalView[]): string {
  return render(
    <Layout title="Approvals · Bakehouse">
      <h1>Approvals</h1>
      {views.length === 0 ? <p>Nothing is asked of you.</p> : null}
      <ul>
        {views.map((view) => (
          <li>
            <a href={`${APPROVALS_PATH}/${view.id}`}>{STATES[view.state]}</a>
            {view.about === null
              ? ", by someone unknown"
              : `, for ${printable(view.about.principal.subject, 255)} on ${view.about.platform}`}
            <Claims title="Unverified" texts={[view.condition.text]} />
          </li>
        ))}
      </ul>
    </Layout>,
  );
}
