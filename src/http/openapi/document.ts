import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { PROBLEM_MEDIA_TYPE, type ProblemCode } from "../../words/problem-codes.ts";
import { codesOf, PROBLEMS } from "../parts/problem-codes.ts";
import { FORM_TYPE } from "../request/form.ts";
import type { Auth, Route, RouteResponse } from "../request/route.ts";
import { ROUTES } from "../routes/all.ts";
import { dischargeRequiredSchema } from "../wire/bakery.ts";
import { oauthProblemSchema, problemSchema } from "../wire/problem.ts";
import { INTRODUCTION, TAGS } from "./prose.ts";

type Responses = RouteConfig["responses"];

/** Makes the OpenAPI document of all routes. */
export function openapiDocument(): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description:
      "An ID token of a trusted issuer, or a macaroon of this API: a platform's credential or an administrator's.",
  });
  registry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "__Host-bakehouse",
    description:
      "A browser's session (`bakehouse` where the service is on http). Writes with it need the `Origin` of this service.",
  });
  for (const route of ROUTES) registry.registerPath(pathOf(route));
  const generator = new OpenApiGeneratorV31(registry.definitions, { unionPreferredType: "oneOf" });
  return generator.generateDocument({
    openapi: "3.1.1",
    info: {
      title: "Bakehouse",
      version: "1",
      description: INTRODUCTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...TAGS],
  });
}

function pathOf(route: Route): RouteConfig {
  const { params, query, headers } = route;
  return {
    method: methodOf(route),
    path: route.path,
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    security: securityOf(route.auth),
    request: {
      ...(params instanceof z.ZodObject ? { params } : {}),
      ...(query instanceof z.ZodObject ? { query } : {}),
      ...(headers === undefined ? {} : { headers: headersOf(headers) }),
      ...(route.body === undefined ? {} : { body: requestBody("application/json", route.body) }),
      ...(route.form === undefined ? {} : { body: requestBody(FORM_TYPE, route.form) }),
    },
    responses: { ...answers(route), ...refusals(route) },
  };
}

function methodOf(route: Route): RouteConfig["method"] {
  switch (route.method) {
    case "GET":
      return "get";
    case "POST":
      return "post";
    case "PUT":
      return "put";
    case "PATCH":
      return "patch";
    case "DELETE":
      return "delete";
    default:
      return route.method satisfies never;
  }
}

function securityOf(auth: Auth): Record<string, string[]>[] {
  if (auth === "none") return [];
  const known = [{ bearer: [] }, { session: [] }];
  return auth === "optional" ? [...known, {}] : known;
}

function headersOf(headers: NonNullable<Route["headers"]>) {
  return z.object(Object.fromEntries(headers.map(({ name, schema }) => [name, schema.optional()])));
}

function requestBody(type: string, { schema, example }: NonNullable<Route["form"]>) {
  return { required: true, content: { [type]: { schema, example } } };
}

/** The answer to a page that was opened by `localhost` where PUBLIC_URL says `127.0.0.1`, or the other way round. */
const LED: RouteResponse = {
  description: "To the same page under the host of PUBLIC_URL, from another name of this machine.",
  headers: { Location: "The page's address." },
};

function answers(route: Route): Responses {
  const led = route.kind === "page" && route.method === "GET" ? { 303: LED } : {};
  const all = { ...led, ...route.responses };
  return Object.fromEntries(Object.entries(all).map(([status, said]) => [status, answer(said)]));
}

function answer({
  description,
  mediaType = "application/json",
  schema,
  example,
  headers,
  others,
}: RouteResponse) {
  const content = { schema: schema ?? z.string(), ...(example === undefined ? {} : { example }) };
  return {
    description,
    ...(headers === undefined ? {} : { headers: responseHeaders(headers) }),
    ...(schema === undefined ? {} : { content: { [mediaType]: content, ...otherContent(others) } }),
  };
}

function otherContent(others: RouteResponse["others"] = {}) {
  return Object.fromEntries(Object.entries(others).map(([type, schema]) => [type, { schema }]));
}

function responseHeaders(headers: Readonly<Record<string, string>>) {
  const described = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: "string" as const } },
  ]);
  return Object.fromEntries(described);
}

/** The problems that a route can answer: its own, and those that follow from credential, query and body. */
function problemCodes(route: Route): readonly ProblemCode[] {
  // Any route can be given a query that is too large.
  const all: ProblemCode[] = [...(route.problems ?? []), "internal_error", "payload_too_large"];
  if (route.kind === "api" || route.query !== undefined) all.push("invalid_request");
  if (route.auth !== "none") all.push("unauthenticated", "forbidden", "rate_limited", "unavailable");
  if (route.body !== undefined || route.form !== undefined) {
    // The last two where too many bodies are on their way.
    all.push("unsupported_media_type", "rate_limited", "unavailable");
  }
  if (route.params !== undefined) all.push("not_found");
  return [...new Set(all)];
}

function refusals(route: Route): Responses {
  const codes = problemCodes(route);
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(statuses.map((status) => [status, refusal(route, status, codes)]));
}

function refusal(route: Route, status: number, codes: readonly ProblemCode[]) {
  const own = route.responses[status];
  const said = codesOf(status).filter((code) => codes.includes(code));
  const lines = said.map((code) => `- \`${code}\`: ${PROBLEMS[code].title}.`);
  const page = route.kind === "page" ? { "text/html": { schema: z.string() } } : {};
  const bakery =
    status === 401 && route.auth === "caller"
      ? { "application/json": { schema: dischargeRequiredSchema } }
      : {};
  if (route.kind === "protocol" && route.path.startsWith("/oauth/")) {
    const content = { "application/json": { schema: oauthProblemSchema } };
    return { description: lines.join("\n"), ...refusalHeaders(status), content };
  }
  return {
    description: [...(own === undefined ? [] : [own.description]), lines.join("\n")].join("\n\n"),
    ...refusalHeaders(status),
    content: { ...page, ...bakery, ...ownContent(own), [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } },
  };
}

/** A refusal in a form of the route's own, beside the problem document. */
function ownContent(own: RouteResponse | undefined) {
  return own?.schema === undefined ? {} : { [own.mediaType ?? "application/json"]: { schema: own.schema } };
}

function refusalHeaders(status: number) {
  if (status === 401)
    return {
      headers: responseHeaders({
        "WWW-Authenticate":
          "`Bearer` (RFC 6750) with `resource_metadata` (RFC 9728), or `Macaroon` for a client that sends `Bakery-Protocol-Version`.",
      }),
    };
  if (status !== 429 && status !== 503) return {};
  return { headers: responseHeaders({ "Retry-After": "Seconds." }) };
}
