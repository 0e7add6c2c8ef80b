import { Layout, render } from "./layout.tsx";

/** The page of a session that was ended here and not yet at the issuer. */
export function signedOutPage(url: string): string {
  return render(
    <Layout title="Signed out · Bakehouse" viewer="nobody" onward={url}>
      <h1>You are signed out here</h1>
      <p>
        You are being led to your identity provider, which signs you out there too.{" "}
        <a href={url}>Go on by yourself</a> if nothing happens.
      </p>
      <p>
        <a href="/">Front page</a>
      </p>
    </Layout>,
  );
}

/** The page of a form that was sent after its session had ended. */
export function sessionOverPage(login: string): string {
  return render(
    <Layout title="Sign in again · Bakehouse" viewer="nobody">
      <h1>Your session has ended</h1>
      <p role="alert">What you sent was not done. Sign in, and then send it again.</p>
      <p>
        <a href={login}>Sign in and go back</a> · <a href="/">Front page</a>
      </p>
    </Layout>,
  );
}
