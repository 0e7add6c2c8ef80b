import type { ConfirmationView } from "../../domain/discharge-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { Claims, Code, Facts, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";

const ENDINGS = {
  granted: "Confirmed. You can close this page and go back to the program.",
  denied: "Refused. Nothing was given to the program.",
  dropped: "This request made room for newer ones. Begin again in the program.",
  expired: "This request has expired. Begin again in the program.",
} as const;

function Ask(props: { readonly view: ConfirmationView; readonly login: string }) {
  const { view, login } = props;
  return (
    <>
      <Code code={view.code} protocol={view.protocol}>
        A program wants proof that you are here. Go on only if you started it yourself a moment ago, and if it
        shows this code:
      </Code>
      {view.about === null ? <p>Nothing is known about who asks.</p> : <Facts about={view.about} />}
      <Claims title="What it asks for, unverified" texts={[view.condition, ...(view.about?.agents ?? [])]} />
      {view.proof === "proven" ? null : (
        <p role="alert">
          This does not prove it: {view.detail}.{" "}
          {view.proof === "login" ? <a href={login}>Sign in again</a> : null}
        </p>
      )}
      <form method="post" action={`/discharges/${view.id}`}>
        {view.proof === "proven" ? (
          <button type="submit" name="decision" value="confirm">
            Confirm
          </button>
        ) : null}
        <button type="submit" name="decision" value="deny">
          Refuse
        </button>
      </form>
    </>
  );
}

/** The page on which a person confirms that they are the one whom a program asks for. */
export function confirmationPage(view: ConfirmationView, identity: Identity, login: string): string {
  return render(
    <Layout title="Confirm · Bakehouse">
      <h1>Confirm who you are</h1>
      <Whoami subject={identity.subject} />
      {view.state === "pending" ? <Ask view={view} login={login} /> : <p>{ENDINGS[view.state]}</p>}
    </Layout>,
  );
}
