import { createHash } from "node:crypto";

import { html, raw } from "hono/html";

/** HTML that is safe to send: all text from outside in it is escaped. */
export type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --accent: #b45309; background: #fff; color: #1b1b1b; }
@media (prefers-color-scheme: dark) { :root { background: #181818; color: #eee; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; }
main { width: 100%; max-width: 26rem; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
.notice { margin: 0; padding: .6rem 1.5rem; background: var(--accent); color: #fff; font-size: .875rem; }
.content { padding: 1.5rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
p { margin: 0 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
label small { font-weight: 400; opacity: .75; }
input { width: 100%; font: inherit; padding: .5rem .65rem; border: 1px solid var(--line); border-radius: 8px; }
button { font: inherit; font-weight: 600; margin-top: 1.5rem; padding: .55rem 1.1rem; border: 0; border-radius: 8px; background: var(--accent); color: #fff; cursor: pointer; }
button.quiet { background: none; color: inherit; border: 1px solid var(--line); }
code { font-size: 1.5rem; letter-spacing: .05em; }
.problem { border-left: 4px solid #dc2626; padding-left: .75rem; }
`;
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/**
 * The Content-Security-Policy of every page: no script, nothing from elsewhere, no frame.
 *
 * @param formTargets origins that a submitted form may lead to besides this one; browsers apply it to redirects too
 */
export function contentSecurityPolicy(formTargets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    `form-action ${["'self'", ...formTargets].join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function page(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<p class="notice">Development only: anyone may log in here as anyone.</p>
<div class="content">
<h1>${title}</h1>
${content}
</div>
</main>
</body>
</html>
`;
}

/** The contents of the login page. */
export interface LoginPage {
  /** Of the application that asks. */
  readonly client: string;
  readonly problem?: string;
  /** The text that was typed before. */
  readonly values?: { readonly name: string; readonly email: string; readonly groups: string };
}

/** The page that asks for a name and groups. Its form goes to the page's own address. */
export function loginPage({ client, problem, values }: LoginPage): Html {
  return page(
    "Log in",
    html`<p>Log in to ${client} under any name. There is no password: this identity provider believes everyone.</p>
${problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post">
<label for="name">Name</label>
<input id="name" name="name" required maxlength="100" autocomplete="off" autofocus value="${values?.name ?? ""}">
<label for="email">E-mail <small>(optional)</small></label>
<input id="email" name="email" type="email" maxlength="254" autocomplete="off" value="${values?.email ?? ""}">
<label for="groups">Groups <small>(optional, with commas between them)</small></label>
<input id="groups" name="groups" maxlength="5000" autocomplete="off" value="${values?.groups ?? ""}">
<button type="submit">Log in</button>
</form>`,
  );
}

/** The contents of the page that asks for a device's code. */
export interface DeviceCodePage {
  /** oidc-provider's own form, complete but for its button. */
  readonly form: string;
  readonly problem?: string | undefined;
  /** The code from the address that the device showed. */
  readonly code?: string | undefined;
}

/** The page that asks for a device's code. */
export function deviceCodePage({ form, problem, code }: DeviceCodePage): Html {
  // The policy forbids inline handlers anyway; without them the browser's console stays quiet.
  const quiet = form.replace(/\son\w+="[^"]*"/g, "");
  const filled =
    code === undefined ? quiet : quiet.replace('name="user_code"', `name="user_code" value="${code}"`);
  return page(
    "Connect a device",
    html`<p>Type the code that the device or command line shows.</p>
${problem === undefined ? "" : html`<p class="problem" role="alert">${problem}</p>`}
${raw(filled)}
<button type="submit" form="op.deviceInputForm">Continue</button>`,
  );
}

/** The page that asks whether the code is the one that the device shows. */
export function deviceConfirmPage(form: string, client: string, code: string): Html {
  return page(
    "Is this your device?",
    html`<p>${client} asks to log in. It must show this code:</p>
<p><code>${code}</code></p>
<p>If it does not, or if you did not begin this, refuse.</p>
${raw(form)}
<button type="submit" form="op.deviceConfirmForm">Yes, this is mine</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes" class="quiet">Refuse</button>`,
  );
}

/** A page that only tells something. */
export function messagePage(title: string, text: string): Html {
  return page(title, html`<p>${text}</p>`);
}
