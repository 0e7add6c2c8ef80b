import {
  type AuthInfo,
  bearerAuthChallengeResponse,
  isLegacyRequest,
  OAuthError,
  OAuthErrorCode,
} from "@modelcontextprotocol/server";

import { BakehouseError, type Outage, readBearer } from "../index.ts";
import { type Access, invalid } from "./access.ts";
import type { ResourceMetadata } from "./metadata.ts";
import { placeOf } from "./place.ts";

/** A handler of the web's requests, as `createMcpHandler` of the SDK makes it. */
export interface McpHandler {
  fetch(
    request: Request,
    options?: { readonly authInfo?: AuthInfo; readonly parsedBody?: unknown },
  ): Promise<Response>;
}

/** Scopes by the names of tools or methods. */
export type Needs = Readonly<Record<string, readonly string[]>>;

/** The members of a gate. */
export interface GateOptions {
  readonly access: Access;
  readonly metadata: ResourceMetadata;
  readonly outage: Outage;
  readonly tools: Needs;
  readonly methods: Needs;
  /** Asked for at first. */
  readonly scopes: readonly string[];
  /** Whether a tool's code is guarded. */
  readonly isGuarded: (tool: string) => boolean;
}

/** Methods that do nothing and show only names: any good token passes. */
const OPEN: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "logging/setLevel",
  "subscriptions/listen",
]);

const MOST_BYTES = 4 * 1024 * 1024;

/** JSON-RPC's codes. */
const PARSE_ERROR = -32_700;
const INVALID_PARAMS = -32_602;
const METHOD_NOT_FOUND = -32_601;
const INTERNAL_ERROR = -32_603;

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly name?: unknown; readonly _meta?: unknown };
}

/** A call that a message makes: what it needs, or the answer to one that nothing guards. */
type Wanted =
  | { readonly scopes: readonly string[]; readonly tool?: string; readonly method?: string }
  | { readonly refusal: { readonly code: number; readonly message: string } };

/**
 * Lets requests to a handler only with a good token and the scopes that they need. All that is not known to be guarded is refused: a
 * token that is narrowed to one tool must not read through another door.
 */
export function createGate(options: GateOptions): (handler: McpHandler) => McpHandler {
  const { access, metadata, outage, tools, methods, scopes, isGuarded } = options;
  const resourceMetadataUrl = metadata.url;

  /** 401, 403 or 503 for an error of authentication. */
  function challenge(error: unknown, requiredScopes: readonly string[] = scopes): Response {
    if (access.isOutage(error)) return unavailable();
    const answer = bearerAuthChallengeResponse(error, {
      requiredScopes: [...requiredScopes],
      resourceMetadataUrl,
    });
    answer.headers.set("cache-control", "no-store");
    return answer;
  }

  async function authenticate(request: Request): Promise<AuthInfo> {
    // Not the SDK's own reading: it cuts a header at its first comma, behind which a bundle has its discharges.
    const bearer = readBearer(request.headers.get("authorization"));
    if (bearer.state === "none") throw invalid("a token is needed");
    if (bearer.state === "malformed") throw invalid("the token cannot be read");
    return access.verifyAccessToken(bearer.token);
  }

  function wanted({ method, params }: Message): Wanted {
    if (typeof method !== "string" || OPEN.has(method) || method.startsWith("notifications/")) {
      return { scopes: [] };
    }
    if (method === "tools/call") {
      const name = params?.name;
      if (typeof name === "string" && Object.hasOwn(tools, name)) {
        return { scopes: tools[name] ?? [], tool: name };
      }
      return { refusal: { code: INVALID_PARAMS, message: "there is no such tool, or nothing guards it" } };
    }
    if (Object.hasOwn(methods, method)) return { scopes: methods[method] ?? [], method };
    return { refusal: { code: METHOD_NOT_FOUND, message: `nothing guards ${method.slice(0, 64)} here` } };
  }

  function asOutage(error: unknown): Response {
    if (error instanceof OAuthError) return challenge(error);
    throw error;
  }

  async function metadataOf(request: Request): Promise<Response | undefined> {
    try {
      return await metadata.answer(request);
    } catch (error) {
      if (!(error instanceof BakehouseError)) throw error;
      outage.failed(error);
      return unavailable();
    }
  }

  return (handler) => ({
    async fetch(request, given) {
      const document = await metadataOf(request);
      if (document !== undefined) return document;
      let authInfo: AuthInfo;
      try {
        authInfo = await authenticate(request);
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        return challenge(error);
      }
      if (request.method !== "POST") return handler.fetch(request, { authInfo });

      let body = given?.parsedBody;
      if (body === undefined) {
        const read = await readBody(request);
        if (read instanceof Response) return read;
        body = read.body;
      }
      const messages = [body].flat().map((message) => (isMessage(message) ? message : {}));
      const needed: string[] = [];
      const called: string[] = [];
      const calls = messages.map(wanted);
      for (const [index, call] of calls.entries()) {
        if ("refusal" in call) return refuse(call.refusal, messages[index]?.id, request, body);
        needed.push(...call.scopes);
        if (call.tool !== undefined) called.push(call.tool);
      }
      if (needed.some((scope) => !authInfo.scopes.includes(scope))) {
        // All that are needed, or a client would come back once for each of them.
        const insufficient = new OAuthError(OAuthErrorCode.InsufficientScope, "the token lacks a scope");
        return challenge(insufficient, [...new Set(needed)]);
      }
      const id = isMessage(body) ? body.id : undefined;
      for (const [index, call] of calls.entries()) {
        if ("refusal" in call || call.method === undefined) continue;
        // Tools are cleared by their own code, with the arguments that it gets.
        const place = placeOf(messages[index]?.params?._meta);
        const { method, scopes: needs } = call;
        const verdict = await access.clear(authInfo.token, method, needs, place).catch(asOutage);
        if (verdict instanceof Response) return verdict;
        if (!verdict.allowed) return rpcError(id, INVALID_PARAMS, verdict.detail);
      }
      const answer = await handler.fetch(request, { authInfo, parsedBody: body });
      const bare = called.find((tool) => !isGuarded(tool));
      if (bare === undefined) return answer;
      // The first call shows it to whoever writes the server.
      const why = `the code of the tool ${JSON.stringify(bare)} is not guarded: register guard.tool(${JSON.stringify(bare)}, …)`;
      outage.failed(new BakehouseError("internal", why));
      await answer.body?.cancel();
      return rpcError(id, INTERNAL_ERROR, "the tool is not guarded", 500);
    },
  });
}

/** From 2026-07-28 on a method that is not there is 404; older clients take that for the end of their session. */
async function refuse(
  { code, message }: { readonly code: number; readonly message: string },
  id: unknown,
  request: Request,
  body: unknown,
): Promise<Response> {
  const isGone = code === METHOD_NOT_FOUND && !(await isLegacyRequest(request, body));
  return rpcError(id, code, message, isGone ? 404 : 200);
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readBody(request: Request): Promise<{ readonly body: unknown } | Response> {
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST_BYTES) {
      await reader.cancel();
      return tooLarge();
    }
    text += decoder.decode(value, { stream: true });
  }
  try {
    return { body: JSON.parse(text + decoder.decode()) };
  } catch {
    return rpcError(undefined, PARSE_ERROR, "the body is no JSON", 400);
  }
}

function tooLarge(): Response {
  return rpcError(undefined, PARSE_ERROR, `the body has more than ${MOST_BYTES} bytes`, 413);
}

function rpcError(id: unknown, code: number, message: string, status = 200): Response {
  const known = typeof id === "string" || typeof id === "number" ? id : null;
  return Response.json({ jsonrpc: "2.0", id: known, error: { code, message } }, { status });
}

function unavailable(): Response {
  const said = { error: "temporarily_unavailable", error_description: "no answer can be given now" };
  return Response.json(said, { status: 503, headers: { "retry-after": "1", "cache-control": "no-store" } });
}
