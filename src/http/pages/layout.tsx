import type { Child } from "hono/jsx";

import { STYLE } from "./style.ts";

/** The frame of every page. */
export function Layout(props: {
  readonly title: string;
  /** Where the page leads by itself. */
  readonly onward?: string;
  readonly children: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        {props.onward === undefined ? null : <meta http-equiv="refresh" content={`0;url=${props.onward}`} />}
        <title>{props.title}</title>
        <style>{STYLE}</style>
      </head>
      <body>{props.children}</body>
    </html>
  );
}

/** Turns a page into text, with the doctype that keeps browsers in standards mode. */
export function render(page: { toString(): string | Promise<string> }): string {
  return `<!doctype html>${page.toString()}`;
}
