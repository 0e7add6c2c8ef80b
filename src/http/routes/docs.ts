import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import { DOCS_FILES } from "../parts/docs-files.ts";
import { html, type Reply } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";

// Swagger UI styles elements from script, which CSP lets pass, and draws icons from data URLs.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const START = `window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: "/openapi.yaml",
    dom_id: "#docs",
    deepLinking: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
  });
});
`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bakehouse API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const FILES: Readonly<Record<string, string>> = {
  ...DOCS_FILES,
  "start.js": "text/javascript; charset=utf-8",
};

/** `GET /openapi.yaml` */
export const openapiYaml = defineRoute({
  method: "GET",
  path: "/openapi.yaml",
  operationId: "openapi",
  tag: "Service",
  summary: "This description",
  description: "OpenAPI 3.1.",
  auth: "none",
  kind: "probe",
  responses: { 200: { description: "The description.", mediaType: "application/yaml", schema: z.string() } },
  handler({ context }) {
    const headers = { "content-type": "application/yaml", "cache-control": "no-cache" };
    return { status: 200, body: context.openapi, headers };
  },
});

/** `GET /docs` */
export const docs = defineRoute({
  method: "GET",
  path: "/docs",
  operationId: "docs",
  tag: "Service",
  summary: "This description, rendered",
  description: "Swagger UI, served from here and from nowhere else.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", mediaType: "text/html", schema: z.string() } },
  handler: () => html(200, PAGE, POLICY),
});

/** `GET /docs/{file}` */
export const docsFile = defineRoute({
  method: "GET",
  path: "/docs/{file}",
  operationId: "docsFile",
  tag: "Service",
  summary: "A file of the page",
  description: `One of ${Object.keys(FILES).join(", ")}.`,
  auth: "none",
  kind: "probe",
  params: z.strictObject({ file: z.string().max(64) }),
  responses: { 200: { description: "The file.", mediaType: "*/*", schema: z.string() } },
  problems: ["not_found"],
  async handler({ context, params: { file } }): Promise<Reply> {
    const body = file === "start.js" ? START : await context.docsFile(file);
    const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
    if (body === undefined || type === undefined) throw new DomainError("not_found", "no such file");
    return { status: 200, body, headers: { "content-type": type, "cache-control": "public, max-age=3600" } };
  },
});
