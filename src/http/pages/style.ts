import { createHash } from "node:crypto";

/** The pages' style. Without quotes or angle brackets, so that it is the same text escaped and not. */
export const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; background: #fff; color: #1b1b1b;
  --edge: #8a8a8a; --yes: #175; --no: #b01; --link: #04c; }
@media (prefers-color-scheme: dark) { :root { background: #181818; color: #eee; --no: #f67; --link: #8bf; } }
body { margin: 0 auto; max-width: 44rem; padding: 1rem 1.5rem 3rem; background: inherit; }
a { color: var(--link); }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: center; justify-content: space-between;
  border-bottom: 1px solid var(--edge); padding-bottom: 0.7rem; margin-bottom: 1.5rem; }
header form { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
header button { margin: 0; }
header span { overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 0.5rem; }
small { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.effect { font-size: 1.7rem; line-height: 1.3; overflow-wrap: anywhere; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
button { font: inherit; padding: 0.3rem 1rem; margin-right: 0.5rem; }
.yes { border: 0.15rem solid var(--yes); background: var(--yes); color: #fff; border-radius: 0.3rem; margin-right: 3rem; }
.no { border: 0.15rem solid var(--no); background: none; color: inherit; border-radius: 0; }
input[type=text] { font: inherit; width: 100%; box-sizing: border-box; margin-bottom: 1rem; }
ul { padding-left: 1.2rem; }
.rows { list-style: none; padding: 0; }
.rows li { border: 1px solid var(--edge); padding: 0.5rem 1rem; margin: 0.7rem 0; overflow-wrap: anywhere; }
.rows p { margin: 0.3rem 0; }
.rows form { margin: 0.5rem 0; }
.facts { border-left: 0.3rem solid #2a7; padding-left: 1rem; }
.claims { border: 0.15rem dashed #c60; padding: 0.5rem 1rem; margin: 1rem 0; }
.claims h2, .claims h3, .facts h2 { font-size: 1rem; margin: 0.3rem 0; }
.claims p, .claims li { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.paper { background: #fff; color: #1b1b1b; color-scheme: light; margin: 0 -1.5rem; }
body:has(.paper) { max-width: 80rem; }
.code { font: 700 1.6rem ui-monospace, monospace; letter-spacing: 0.1em; }
`;

const hash = createHash("sha256").update(STYLE).digest("base64");

/** The source of the pages' style in a policy: this very text and no other. */
export const STYLE_SOURCE = `'sha256-${hash}'`;

/** Nothing but this very style is loaded, no script runs, and forms go nowhere else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${STYLE_SOURCE}`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");
