import type { Child } from "hono/jsx";

import { Person } from "./person.tsx";
import { STYLE } from "./style.ts";
import type { Viewer } from "./viewer.ts";

/** The head of a page: home, the signed-in person, and the way out. */
function Frame(props: { readonly viewer: Viewer }) {
  const { viewer } = props;
  return (
    <header>
      <a href="/">Bakehouse</a>
      {typeof viewer === "object" ? (
        <form method="post" action="/logout">
          <span>
            Signed in as <Person {...viewer} isViewer />
          </span>
          <button type="submit">Sign out</button>
        </form>
      ) : null}
      {viewer === "nobody" ? (
        <span>
          Not signed in. <a href="/login">Sign in</a>
        </span>
      ) : null}
    </header>
  );
}

/** The frame of every page. */
export function Layout(props: {
  readonly title: string;
  readonly viewer: Viewer;
  /** Where the page leads by itself. */
  readonly onward?: string;
  /** Files that the page loads. */
  readonly head?: Child;
  readonly children: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        {props.onward === undefined ? null : <meta http-equiv="refresh" content={`0;url=${props.onward}`} />}
        <title>{props.title}</title>
        {props.head}
        <style>{STYLE}</style>
      </head>
      <body>
        <Frame viewer={props.viewer} />
        <main>{props.children}</main>
      </body>
    </html>
  );
}

/** Turns a page into text, with the doctype that keeps browsers in standards mode. */
export function render(page: { toString(): string | Promise<string> }): string {
  return `<!doctype html>${page.toString()}`;
}
