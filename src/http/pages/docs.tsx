import { Layout, render } from "./layout.tsx";
import { STYLE_SOURCE } from "./style.ts";
import type { Viewer } from "./viewer.ts";

// Swagger UI styles elements from script, which CSP lets pass, and draws icons from data URLs.
/** The policy of the documentation page: its own files, and no others. */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${STYLE_SOURCE}`,
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** The page that renders openapi.yaml, and leads there without a script. */
export function docsPage(viewer: Viewer): string {
  return render(
    <Layout
      title="Bakehouse API"
      viewer={viewer}
      head={
        <>
          <link rel="stylesheet" href="/docs/swagger-ui.css" />
          <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
        </>
      }
    >
      <h1>Bakehouse API</h1>
      <p>
        <a href="/openapi.yaml">openapi.yaml</a> is the description that this page renders.
      </p>
      <noscript>
        <p>Rendering it takes JavaScript. The file itself says the same to people and to programs.</p>
      </noscript>
      <div id="docs" class="paper"></div>
      <script src="/docs/swagger-ui-bundle.js"></script>
      <script src="/docs/start.js"></script>
    </Layout>,
  );
}
