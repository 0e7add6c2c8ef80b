import { createHash } from "node:crypto";

/** The pages' style. Without quotes or angle brackets, so that it is the same text escaped and not. */
export const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 3rem 1.5rem; }
h1 { font-size: 1.4rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
button { font: inherit; padding: 0.3rem 1rem; }
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
