import { createHash } from "node:crypto";

/** The pages' style. Without quotes or angle brackets, so that it is the same text escaped and not. */
export const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 3rem 1.5rem; }
h1 { font-size: 1.4rem; }
.effect { font-size: 1.7rem; line-height: 1.3; overflow-wrap: anywhere; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
button { font: inherit; padding: 0.3rem 1rem; margin-right: 0.5rem; }
.yes { border: 0.15rem solid #175; background: #175; color: #fff; border-radius: 0.3rem; margin-right: 3rem; }
.no { border: 0.15rem solid #c33; background: none; color: inherit; border-radius: 0; }
input[type=text] { font: inherit; width: 100%; box-sizing: border-box; margin-bottom: 1rem; }
ul { padding-left: 1.2rem; }
.facts { border-left: 0.3rem solid #2a7; padding-left: 1rem; }
.claims { border: 0.15rem dashed #c60; padding: 0.5rem 1rem; margin: 1rem 0; }
.claims h2, .facts h2 { font-size: 1rem; margin: 0.3rem 0; }
.claims p, .claims li { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.code { font: 700 1.6rem ui-monospace, monospace; letter-spacing: 0.1em; }
`;

const hash = createHash("sha256").update(STYLE).digest("base64");

/** Nothing but this very style is loaded, no script runs, and forms go nowhere else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash}'`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");
