import { breaches, OPENAPI, violations } from "../../support/contract.ts";
import type { MadeRequest } from "./request.ts";
import type { Target } from "./target.ts";
import type { Exchanged, WireAnswer } from "./wire.ts";

/**
 * Milliseconds within which everything is answered, on a machine with much other work: what waits for people is asked to
 * wait for a second at most.
 */
export const PATIENCE = 100_000;

/** Milliseconds that are noted as long: on an idle machine nothing takes them. */
export const LONG = 2_000;

/** Refusals of what no route can answer, which HTTP itself has. */
const HTTP_REFUSALS = new Set([400, 408, 413, 414, 417, 431]);

/** The operation that a method and a path are for. */
function describedFor(method: string, pathname: string) {
  const path = Object.keys(OPENAPI.paths).find((one) =>
    new RegExp(`^${one.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`).test(pathname),
  );
  const verb = method === "HEAD" ? "get" : method.toLowerCase();
  return path === undefined ? undefined : OPENAPI.paths[path]?.[verb];
}

/** What is wrong with a code: a refusal has to be one that its operation lists. */
function wrongCode(method: string, pathname: string, status: number, code: string): string | undefined {
  const operation = describedFor(method, pathname);
  const said = operation?.responses[String(status)] as { readonly description?: string } | undefined;
  if (said === undefined) return undefined; // that the status itself is not described is found by the contract
  return said.description?.includes(`\`${code}\``)
    ? undefined
    : `the code ${code} is not listed for ${status}`;
}

function responseOf({ status, headers, body }: WireAnswer): Response {
  const isEmpty = status === 204 || status === 304;
  return new Response(isEmpty ? null : new Uint8Array(body), {
    status,
    headers: headers.map(([name, value]) => [name, value]),
  });
}

/** A pathname as the service reads it; undefined where there is none. */
function pathnameOf(target: string): string | undefined {
  try {
    // A target that begins with two slashes is a path, and no host.
    return new URL(target.startsWith("/") ? `http://127.0.0.1${target}` : target, "http://127.0.0.1")
      .pathname;
  } catch {
    return undefined;
  }
}

/** Says what should not be of what a request came to; empty where all is well. */
export async function judge(
  request: Pick<MadeRequest, "method" | "target" | "isCut">,
  outcome: Exchanged,
  target: Target,
): Promise<readonly string[]> {
  if (outcome.kind === "late") return [`no answer within ${PATIENCE} ms`];
  if (outcome.kind === "cut") return ["the answer is cut"];
  if (outcome.kind === "silent") return request.isCut ? [] : ["the connection was closed without an answer"];
  const { answer } = outcome;
  const faults: string[] = [];
  const { status } = answer;
  if (status >= 500 && !isTrue(answer))
    faults.push(`status ${status}: ${answer.body.toString().slice(0, 300)}`);
  for (const { secret, form } of target.secretsIn(answer.raw))
    faults.push(`the answer holds ${secret} as ${form}`);
  if (answer.isStream) return faults;

  const type = answer.headers.find(([name]) => name === "content-type")?.[1] ?? "";
  const pathname = pathnameOf(request.target);
  const method = request.method.toUpperCase();
  // Lines of JSON are no JSON.
  const isJson = /\bjson$|\+json$/.test((type.split(";")[0] ?? "").replace("ndjson", ""));
  const body: unknown = isJson && answer.body.length > 0 ? JSON.parse(answer.body.toString()) : undefined;
  const code = typeof body === "object" && body !== null ? Reflect.get(body, "code") : undefined;
  // A frame that is wrong, a target that is none: HTTP's own refusals, which no operation lists.
  if (HTTP_REFUSALS.has(status) && type === "application/problem+json" && !isOfRoute(answer)) {
    return [...faults, ...violations(["components", "schemas", "Problem"], body)];
  }
  if (pathname === undefined) return [...faults, `status ${status} for a target that is none`];
  faults.push(...(await breaches(method, pathname, responseOf(answer))));
  if (status >= 400 && typeof code === "string") {
    const wrong = wrongCode(method, pathname, status, code);
    if (wrong !== undefined) faults.push(wrong);
  }
  return faults;
}

/** Whether it is a 503 with a reason that holds: a place in the log that this service has not, and will not have. */
function isTrue({ status, body }: WireAnswer): boolean {
  return status === 503 && body.includes("min_sequence");
}

/** Whether a route gave it: those have the common headers. */
function isOfRoute({ headers }: WireAnswer): boolean {
  return headers.some(([name]) => name === "x-request-id");
}
