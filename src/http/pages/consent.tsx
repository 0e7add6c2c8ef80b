import { printable } from "../../caveats/values/quote.ts";
import type { ConsentView, RightsView } from "../../domain/oauth-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { Claims, Fact, FormOf, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";

const LONGEST = 1_000;

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** A length of time in words, in the largest unit that it is a whole number of. */
function duration(seconds: number): string {
  const [name, size] =
    UNITS.find(([, one]) => seconds >= one && seconds % one === 0) ?? (["second", 1] as const);
  const count = seconds / size;
  return count === 1 ? `1 ${name}` : `${count} ${name}s`;
}

/** How long a yes lasts. */
function lasting({ tokenLife, session }: RightsView, isRemembered: boolean): string {
  const each = `Each token that it gets is good for ${duration(tokenLife)}`;
  const whole =
    session === undefined
      ? `${each}; then it has to come back here.`
      : `${each}, and it can go on without asking for ${duration(session)}.`;
  return isRemembered ? `${whole} Your yes is remembered for 30 days.` : `${whole} You are asked each time.`;
}

function Client(props: { readonly view: ConsentView }) {
  const { redirectHost, isUnprovable } = props.view;
  return (
    <>
      <section class="facts">
        <h2>Verified by this service</h2>
        <dl>
          <Fact name="Your answer is sent to" value={redirectHost} />
          <KnownBy view={props.view} />
        </dl>
      </section>
      {isUnprovable ? (
        <p role="alert">
          Any program on this device can say that it is this one, and nobody can tell. Go on only if you
          started it yourself a moment ago.
        </p>
      ) : null}
    </>
  );
}

/** The client's name, and whose word that is. */
export function ClientName(props: { readonly view: RightsView }) {
  const { clientHost, clientName } = props.view;
  const title =
    clientHost === null
      ? "The client's name, given by an administrator"
      : "The client's name, unverified: its own word";
  return <Claims title={title} texts={[clientName]} />;
}

/** The way in which a client is known. */
export function KnownBy(props: { readonly view: RightsView }) {
  const { clientHost } = props.view;
  const value = clientHost === null ? "an administrator of this service" : `its document at ${clientHost}`;
  return <Fact name="The client is known by" value={value} />;
}

/** All that a client will be able to do, and for how long. */
export function Rights(props: { readonly view: RightsView; readonly isRemembered: boolean }) {
  const { resourceName, platform, scopes, limits } = props.view;
  return (
    <>
      <h2>It will be able to</h2>
      {scopes.length === 0 ? <p>Do everything that you may do there: this resource has no scopes.</p> : null}
      <ul>
        {scopes.map(({ scope, description }) => (
          <li>
            {printable(description, LONGEST)} <small>{scope}</small>
          </li>
        ))}
      </ul>
      <dl>
        <Fact name="The resource" value={`${printable(resourceName, LONGEST)}, of platform ${platform}`} />
        <Fact name="How long" value={lasting(props.view, props.isRemembered)} />
        <Fact
          name="What its platform adds"
          value={limits === undefined ? "Nothing." : printable(limits, LONGEST)}
        />
      </dl>
    </>
  );
}

/** Tells that another question was answered than the one that is asked. */
export function Changed(props: { readonly changed: boolean }) {
  return props.changed ? (
    <p role="alert">
      What is asked has changed since you saw it, or somebody else is signed in now. Nothing was done.
    </p>
  ) : null;
}

/** The two answers. */
export function Answers() {
  return (
    <>
      <button type="submit" name="decision" value="allow" class="yes">
        Allow
      </button>
      <button type="submit" name="decision" value="deny" class="no">
        Refuse
      </button>
    </>
  );
}

/** The page on which a person lets a client have a token. @param query the request's own */
export function consentPage(view: ConsentView, query: string, identity: Identity, changed: boolean): string {
  const { resource, redirectHost } = view;
  return render(
    <Layout title="Allow · Bakehouse" viewer={identity}>
      <h1>
        Let the client at {redirectHost} use {resource} as you?
      </h1>
      <Changed changed={changed} />
      <ClientName view={view} />
      <Client view={view} />
      <Rights view={view} isRemembered={view.isRemembered} />
      <Whoami identity={identity} />
      <form method="post" action={`/oauth/authorize?${query}`}>
        <FormOf identity={identity} />
        <input type="hidden" name="seal" value={view.seal} />
        <Answers />
      </form>
    </Layout>,
  );
}

/**
 * The page that leads back to a client. It is no redirect: a form's answer may not lead to another origin, and browsers say
 * nothing where that stops it.
 */
export function onwardPage(url: string, clientName: string, identity: Identity): string {
  return render(
    <Layout title="Going on · Bakehouse" viewer={identity} onward={url}>
      <h1>You are being led back</h1>
      <p>
        To {printable(clientName, LONGEST)}. <a href={url}>Go on by yourself</a> if nothing happens.
      </p>
    </Layout>,
  );
}
