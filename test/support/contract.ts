import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

import { madeOnce } from "./made-once.ts";

/** The text of openapi.yaml. */
export const OPENAPI_TEXT = readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8");

interface MediaType {
  readonly schema: object;
  readonly example?: unknown;
}
interface Answer {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}
export interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, Answer>>;
  readonly security?: readonly object[];
}

/** The document in openapi.yaml. */
export const OPENAPI: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
} = JSON.parse(openapiJson());

/** The document as JSON. Reading so much YAML takes a second, so it is done once for each state of the file and kept. */
function openapiJson(): string {
  const uid = process.getuid?.() ?? 0;
  const state = createHash("sha256").update(OPENAPI_TEXT).digest("hex").slice(0, 24);
  const folder = madeOnce(join(tmpdir(), `bakehouse-openapi-${uid}-${state}`), uid, (made) =>
    writeFileSync(join(made, "openapi.json"), JSON.stringify(parse(OPENAPI_TEXT))),
  );
  return readFileSync(join(folder, "openapi.json"), "utf8");
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: "openapi", ...OPENAPI });

function pointer(steps: readonly string[]): string {
  const escaped = steps.map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")));
  return `openapi#/${escaped.join("/")}`;
}

/** What a value breaks of the schema at a place in openapi.yaml; empty if it breaks nothing. */
export function violations(steps: readonly string[], value: unknown): readonly string[] {
  const ref = pointer(steps);
  const validate = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** The operation of openapi.yaml that a request is for. */
function operationFor(method: string, pathname: string) {
  const path = Object.keys(OPENAPI.paths).find((candidate) =>
    new RegExp(`^${candidate.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(pathname),
  );
  const lower = method === "HEAD" ? "get" : method.toLowerCase();
  const operation = path === undefined ? undefined : OPENAPI.paths[path]?.[lower];
  return { path, lower, operation };
}

/**
 * Says where an answer is not as openapi.yaml describes it: status, media type, and every member of the
 * body. Empty where it is.
 */
export async function breaches(
  method: string,
  pathname: string,
  response: Response,
): Promise<readonly string[]> {
  const { path, lower, operation } = operationFor(method, pathname);
  const status = String(response.status);
  const type = response.headers.get("content-type")?.split(";")[0] ?? null;
  const body = await response.clone().text();
  if (path === undefined) return general(404, response, type, body);
  if (operation === undefined) return method === "OPTIONS" ? [] : general(405, response, type, body);
  if (method === "HEAD") return body === "" ? [] : ["a HEAD was answered with a body"];
  const said = operation.responses[status];
  if (said === undefined) return [`status ${status} is not described`];
  if (said.content === undefined) return body === "" ? [] : [`status ${status} is described without a body`];
  const media = Object.keys(said.content).find((key) => key === type || key === "*/*");
  if (media === undefined) return [`media type ${type} is not described for ${status}`];
  // Lines of JSON are no JSON.
  if (!media.endsWith("json") || media.endsWith("ndjson")) return [];
  return violations(
    ["paths", path, lower, "responses", status, "content", media, "schema"],
    JSON.parse(body),
  );
}

function general(status: number, response: Response, type: string | null, body: string): readonly string[] {
  if (response.status !== status) return [`status is ${response.status} where ${status} is promised`];
  if (type === "text/html") return [];
  if (type !== "application/problem+json") return [`media type ${type} where a problem is promised`];
  return body === "" ? [] : violations(["components", "schemas", "Problem"], JSON.parse(body));
}
