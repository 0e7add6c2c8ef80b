import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import { DOCS_FILES } from "../parts/docs-files.ts";
import { html, type Reply } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";
import { viewerOf } from "../request/viewer.ts";

const START = `window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: "/openapi.yaml",
    dom_id: "#docs",
    deepLinking: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
    // The description has one server, and the box to choose it has no name that a screen reader could say.
    plugins: [() => ({ wrapComponents: { ServersContainer: () => () => null } })],
  });
});
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
  async handler({ context, exchange }) {
    const { pages } = context;
    return html(200, pages.docs(await viewerOf(context, exchange)), pages.docsPolicy);
  },
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
