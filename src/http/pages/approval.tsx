import { printable } from "../../caveats/values/quote.ts";
import type { ApprovalView } from "../../domain/discharge-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { Claims, Code, Effect, Facts, FormOf, HoldersWords, Reason, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import { moment } from "./moment.ts";
import type { ListPlace } from "./pages.ts";
import { findPerson, Person } from "./person.tsx";

/** Characters of a text in the list. The page of an approval cuts nothing that a yes allows. */
const LONGEST = 1_000;

/** The state of an approval, with its date. */
function standing(view: ApprovalView): string {
  const { state, askedAt, expiresAt, decidedAt, withdrawnAt, endsAt } = view;
  switch (state) {
    case "pending":
      return `Waiting since ${moment(askedAt)}, until ${moment(expiresAt)}`;
    case "granted":
      return `Approved${on(decidedAt)}${endsAt === null ? "" : `, good until ${moment(endsAt)}`}`;
    case "denied":
      return `Denied${on(decidedAt)}`;
    case "withdrawn":
      return `Withdrawn${on(withdrawnAt)}`;
    case "dropped":
      return `Made room for newer requests, asked on ${moment(askedAt)}`;
    case "revoked":
      return `Asked on ${moment(askedAt)}, over since: the token that this is for has been revoked`;
    case "expired":
      return `Expired on ${moment(expiresAt)}, unanswered`;
    default:
      return state satisfies never;
  }
}

function on(at: number | null): string {
  return at === null ? "" : ` on ${moment(at)}`;
}

function Scope(props: { readonly view: ApprovalView }) {
  const { view } = props;
  const { needed } = view.condition;
  return (
    <p>
      {view.about === null
        ? ""
        : "It serves the token's holder, and whoever gets a token that is narrowed from this very link."}
      {needed > 1 ? ` ${needed} people have to approve; one who denies ends it.` : ""}
    </p>
  );
}

/** A person of an approval. Others are told by the e-mail that the issuer verified or by their subject: a name anybody may choose. */
function Somebody(props: { readonly view: ApprovalView; readonly issuer: string; readonly subject: string }) {
  const { view, issuer, subject } = props;
  const known = findPerson(view.people, { issuer, subject });
  return <Person email={known?.email} subject={subject} />;
}

function Said(props: { readonly view: ApprovalView }) {
  const { decisions } = props.view;
  if (decisions.length === 0) return null;
  return (
    <ul>
      {decisions.map(({ issuer, subject, approved, reason }) => (
        <li>
          <Somebody view={props.view} issuer={issuer} subject={subject} /> {approved ? "approved" : "denied"}
          <Reason text={reason} />
        </li>
      ))}
    </ul>
  );
}

function Decide(props: { readonly view: ApprovalView; readonly identity: Identity; readonly login: string }) {
  const { view, identity, login } = props;
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
        <FormOf identity={identity} />
        <label for="reason">Reason, for who asks and for the record (may be left empty)</label>
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

function Withdraw(props: { readonly view: ApprovalView; readonly identity: Identity }) {
  return (
    <form method="post" action={`${APPROVALS_PATH}/${props.view.id}`}>
      <FormOf identity={props.identity} />
      <p>You can take your yes back: what was given for it is then refused everywhere.</p>
      <button type="submit" name="decision" value="withdraw" class="no">
        Withdraw my approval
      </button>
    </form>
  );
}

/** The page on which a person approves or denies. */
export function approvalPage(view: ApprovalView, identity: Identity, login: string): string {
  const { about, condition, state } = view;
  const isOpen = state === "pending" && !view.isMine;
  const now = (
    <p>
      <strong>{standing(view)}.</strong>
    </p>
  );
  return render(
    <Layout title="Approval · Bakehouse" viewer={identity}>
      {isOpen ? null : now}
      <p>{isOpen ? "You are asked to approve:" : "You were asked to approve:"}</p>
      <Effect allows={view.allows} caveats={view.caveats} />
      <Scope view={view} />
      <Whoami identity={identity} />
      <Claims title="The request, unverified: written by whoever made the ticket" texts={[condition.text]} />
      {about === null ? (
        <p role="alert">
          Nothing is known about who asks, nor about the token that this is for. Approve only if you know the
          request.
        </p>
      ) : (
        <Facts about={about} />
      )}
      <HoldersWords about={about} people={view.people} />
      <Code code={view.code} protocol={view.protocol}>
        The program that asks shows this code:
      </Code>
      {isOpen ? now : null}
      <Said view={view} />
      {isOpen ? <Decide view={view} identity={identity} login={login} /> : null}
      {view.mayWithdraw ? <Withdraw view={view} identity={identity} /> : null}
      <p>
        <a href={APPROVALS_PATH}>All approvals</a>
      </p>
    </Layout>,
  );
}

/** Approvals, each with a way to its page. */
export function ApprovalItems(props: { readonly views: readonly ApprovalView[] }) {
  return (
    <ul class="rows">
      {props.views.map((view) => (
        <li>
          <a href={`${APPROVALS_PATH}/${view.id}`}>{standing(view)}</a>
          {view.about === null ? (
            ", by someone unknown"
          ) : (
            <>
              , for <Somebody view={view} {...view.about.principal} /> on {view.about.platform}
            </>
          )}
          <p>{printable(view.allows, LONGEST)}</p>
          <div class="claims">
            <p>
              Unverified: <span>{printable(view.condition.text, LONGEST)}</span>
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** The list of a person's approvals. */
export function approvalsPage(views: readonly ApprovalView[], place: ListPlace, identity: Identity): string {
  return render(
    <Layout title="Approvals · Bakehouse" viewer={identity}>
      <h1>Approvals</h1>
      {views.length > 0 ? null : (
        <p>{place.isFirst ? "Nothing is asked of you." : "There are no older ones."}</p>
      )}
      {views.length === 0 ? null : <ApprovalItems views={views} />}
      <p>
        {place.isFirst ? null : <a href={APPROVALS_PATH}>The newest</a>}{" "}
        {place.older === undefined ? null : (
          <a href={`${APPROVALS_PATH}?before=${place.older}`}>Older ones</a>
        )}
      </p>
    </Layout>,
  );
}
