import type { ConfirmationView } from "../../domain/discharge-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { Claims, Code, Effect, Facts, FormOf, HoldersWords, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";
import { moment } from "./moment.ts";
import { Person } from "./person.tsx";

const ENDINGS = {
  granted: "Confirmed. You can close this page and go back to the program.",
  denied: "Refused. Nothing was given to the program.",
  dropped: "This request made room for newer ones. Begin again in the program.",
  withdrawn: "This request was withdrawn. Nothing was given to the program.",
  revoked: "The token that this is for has been revoked. Nothing was given to the program.",
  expired: "This request has expired. Begin again in the program.",
} as const;

/** What a program's login does, before it is confirmed: the effect is the heading, and the way to end it stands there. */
function AskLogin(props: {
  readonly view: ConfirmationView;
  readonly identity: Identity;
  readonly login: string;
  readonly until: number;
}) {
  const { view } = props;
  return (
    <>
      <h1>Let this program act as you at Bakehouse until {moment(props.until)}?</h1>
      <p>
        It can then get tokens in your name, and see and revoke the ones that you have. It can approve
        nothing, and it never has an administrator's rights. You can end it on the front page, and signing out
        ends it.
      </p>
      <Code code={view.code} protocol={view.protocol}>
        Say yes only if you started this program yourself a moment ago, and if it shows this code:
      </Code>
      <p role="alert">Nothing is known about who asks. Anybody can have sent you here.</p>
      <Answer {...props} yes="Let it act as me" />
    </>
  );
}

function Answer(props: {
  readonly view: ConfirmationView;
  readonly identity: Identity;
  readonly login: string;
  readonly yes: string;
}) {
  const { view, identity, login, yes } = props;
  return (
    <>
      {view.proof === "proven" ? null : (
        <p role="alert">
          You cannot say yes now: {view.detail}. <a href={login}>Sign in again</a>
        </p>
      )}
      <form method="post" action={`/discharges/${view.id}`}>
        <FormOf identity={identity} />
        {view.proof === "proven" ? (
          <button type="submit" name="decision" value="confirm" class="yes">
            {yes}
          </button>
        ) : null}
        <button type="submit" name="decision" value="deny" class="no">
          Refuse
        </button>
      </form>
    </>
  );
}

function Ask(props: {
  readonly view: ConfirmationView;
  readonly identity: Identity;
  readonly login: string;
}) {
  const { view, identity, login } = props;
  return (
    <>
      <Code code={view.code} protocol={view.protocol}>
        A program wants proof that you are here. Go on only if you started it yourself a moment ago, and if it
        shows this code:
      </Code>
      {view.about === null ? <p>Nothing is known about who asks.</p> : <Facts about={view.about} />}
      <Claims title="What it asks for, unverified" texts={[view.condition]} />
      <HoldersWords about={view.about} />
      <Answer view={view} identity={identity} login={login} yes="Confirm" />
    </>
  );
}

/** The state of a request that nobody can answer any more, and of a confirmation the way to take it back. */
function Over(props: { readonly view: ConfirmationView; readonly identity: Identity }) {
  const { id, state, isMine, mayTakeBack } = props.view;
  if (state === "pending") return null;
  const isTakenBack = state === "withdrawn" && isMine;
  return (
    <>
      <p>{isTakenBack ? "Taken back: what was given for it is refused everywhere." : ENDINGS[state]}</p>
      {mayTakeBack ? (
        <form method="post" action={`/discharges/${id}`}>
          <FormOf identity={props.identity} />
          <p>You can take it back: what was given for it is then refused everywhere.</p>
          <button type="submit" name="decision" value="withdraw" class="no">
            Take it back
          </button>
        </form>
      ) : null}
    </>
  );
}

/** The page of a request that does not concern the person who is signed in, or that there is not. */
export function notYoursPage(identity: Identity, login: string): string {
  return render(
    <Layout title="Not for you · Bakehouse" viewer={identity}>
      <h1>This is for somebody else</h1>
      <p>
        You are signed in as <Person {...identity} isViewer />, and what you opened is for somebody else, or
        is not there any more.
      </p>
      <p>
        <a href={login}>Sign in as somebody else</a> · <a href="/">Front page</a>
      </p>
    </Layout>,
  );
}

/** The page on which a person confirms that they are the one whom a program asks for. */
export function confirmationPage(view: ConfirmationView, identity: Identity, login: string): string {
  const until = view.loginUntil;
  return render(
    <Layout title="Confirm · Bakehouse" viewer={identity}>
      {until === undefined ? (
        <>
          <p>You are asked to confirm who you are:</p>
          <Effect allows={view.allows} caveats={view.caveats} />
        </>
      ) : null}
      {until === undefined ? null : <AskLogin view={view} identity={identity} login={login} until={until} />}
      <Whoami identity={identity} />
      <Over view={view} identity={identity} />
      {view.state === "pending" && until === undefined ? (
        <Ask view={view} identity={identity} login={login} />
      ) : null}
    </Layout>,
  );
}
