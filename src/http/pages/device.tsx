import type { DeviceView } from "../../domain/oauth-service.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { Answers, Changed, ClientName, KnownBy, Rights } from "./consent.tsx";
import { FormOf, Whoami } from "./facts.tsx";
import { Layout, render } from "./layout.tsx";

/** The page on which a person types the code that a device shows. @param isUnknown whether they have typed one that is none */
export function devicePage(identity: Identity, isUnknown: boolean): string {
  return render(
    <Layout title="A device · Bakehouse" viewer={identity}>
      <h1>Let a device use something as you</h1>
      <p>
        Type the code that the device in front of you shows. Never one that somebody sent you or read to you:
        their device would act as you.
      </p>
      {isUnknown ? (
        <p role="alert">
          No device waits with this code: it was typed otherwise, its ten minutes are over, or it was answered
          already.
        </p>
      ) : null}
      <form method="post" action="/device">
        <label>
          The device's code{" "}
          <input
            name="user_code"
            type="text"
            required
            maxlength={32}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
          />
        </label>
        <button type="submit" class="yes">
          Go on
        </button>
      </form>
      <Whoami identity={identity} />
    </Layout>,
  );
}

/** The page on which a person lets a device have a token. @param changed whether they have just answered another question */
export function deviceConsentPage(view: DeviceView, identity: Identity, changed: boolean): string {
  const { resource, userCode, isUnprovable } = view;
  return render(
    <Layout title="Allow a device · Bakehouse" viewer={identity}>
      <h1>
        Let the device that shows {userCode} use {resource} as you?
      </h1>
      <Changed changed={changed} />
      <p role="alert">
        Go on only if that device is in front of you, or you started the program yourself a moment ago.
        Whoever began this gets what you allow, wherever they are.
      </p>
      <ClientName view={view} />
      <section class="facts">
        <h2>Verified by this service</h2>
        <dl>
          <KnownBy view={view} />
        </dl>
      </section>
      {isUnprovable ? <p>Any program can say that it is this client, and nobody can tell.</p> : null}
      <Rights view={view} isRemembered={false} />
      <Whoami identity={identity} />
      <form method="post" action="/device">
        <FormOf identity={identity} />
        <input type="hidden" name="user_code" value={userCode} />
        <input type="hidden" name="seal" value={view.seal} />
        <Answers />
      </form>
    </Layout>,
  );
}

/** The end: the device finds out by itself. */
export function deviceAnsweredPage(identity: Identity, allowed: boolean): string {
  return render(
    <Layout title="A device · Bakehouse" viewer={identity}>
      <h1>{allowed ? "Allowed" : "Refused"}</h1>
      <p>
        {allowed
          ? "Go back to the device: it goes on by itself within seconds."
          : "The device gets nothing. You can close this page."}
      </p>
    </Layout>,
  );
}
