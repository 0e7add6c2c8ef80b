import type {
  AuthInfo,
  CallToolResult,
  InputRequiredResult,
  OAuthTokenVerifier,
  ServerContext,
} from "@modelcontextprotocol/server";

import { readResourceUri } from "../../words/resource-uri.ts";
import {
  type Allowed,
  type Bakehouse,
  BakehouseError,
  createOutage,
  guardTool,
  type OutageListener,
  type Price,
  Token,
  ToolRefusedError,
  type Verifier,
} from "../index.ts";
import {
  aFunction,
  anObject,
  aText,
  aTruth,
  type Check,
  type Checks,
  checkOptions,
  checkShape,
  ifSaid,
  isObject,
  isText,
} from "../shape.ts";
import { createAccess } from "./access.ts";
import { createApprovals, refused, type ToolUse } from "./approvals.ts";
import { createGate, type McpHandler, type Needs } from "./gate.ts";
import { createResourceMetadata } from "./metadata.ts";
import { placeOf } from "./place.ts";

export type { McpHandler } from "./gate.ts";

/** Settings of an MCP server that is a resource. */
export interface McpGuardOptions {
  /** A client with the credential of the platform whose resource it is, one that may `verify`. */
  readonly service: Bakehouse;
  /** Asked in its place whether tokens allow calls: a local verifier in front of it. */
  readonly verifier?: Verifier;
  /** The canonical URI under which the server is registered as a resource; its callers know it by that. */
  readonly resource: string;
  /** The tools, each with the scopes that a call of it needs. Others are refused. */
  readonly tools: Needs;
  /**
   * Further methods that do something, such as `resources/read`, each with the scopes that it needs. A call is cleared with the method
   * as `action` and the scopes as `scope`, and nothing else: a token that is limited by `tool` or `args` is refused there. Others than these,
   * `tools/call` and the lists of names are refused.
   */
  readonly methods?: Needs;
  /** The scopes that a client is told to ask for at first. All of `tools` and `methods` unless said. */
  readonly scopes?: readonly string[];
  /** The server's name for people. */
  readonly name?: string;
  /** Whether the resource is registered with `accept_unbound`. False unless said. */
  readonly acceptUnbound?: boolean;
  /** The service's `PUBLIC_URL`, at which clients log people in. The service is asked for it unless said. */
  readonly issuer?: string;
  /**
   * Told why requests are answered with 503, as {@link createOutage} tells it; and of a declared tool whose code ran without
   * {@link McpGuard.tool}.
   */
  readonly onError?: OutageListener;
}

/** An MCP server's guard. */
export interface McpGuard extends OAuthTokenVerifier {
  /** The address of the resource's metadata (RFC 9728), which challenges name. */
  readonly metadataUrl: string;
  /**
   * For gates of the SDK such as `requireBearerAuth`; {@link McpGuard.protect} is one that does more. It says that a token is good here,
   * of no call in particular.
   *
   * @throws OAuthError and nothing else: `invalid_token`, or `server_error` if it can't be known now
   */
  verifyAccessToken(token: string): Promise<AuthInfo>;
  /**
   * The code of a tool that runs only for tokens that allow the call: its name is cleared as `tool`, its arguments as the SDK parsed
   * them as `args.*`, and its scopes as `scope`. A token that needs a person's yes to this very call gets it on the way: the client
   * is led to the service's page and the call goes on once they agreed, which is good for one call.
   *
   * @param run gets a copy of the arguments that were cleared, the SDK's context, and the verdict
   * @param price what a call costs by its arguments, as `guardTool` takes it
   * @returns a callback for `registerTool`, with an `inputSchema`. A refusal is a result with `isError`, which says why
   * @throws TypeError for a tool that is not among the guard's
   */
  tool<A extends object, R extends CallToolResult | InputRequiredResult>(
    name: string,
    run: (args: A, context: ServerContext, verdict: Allowed) => R | Promise<R>,
    price?: Price<A, R>,
  ): (args: A, context: ServerContext) => Promise<R | CallToolResult | InputRequiredResult>;
  /**
   * A handler in front of the SDK's: it answers the metadata route, asks for a token (401 with the challenge of RFC 9728), for all
   * scopes that a call needs at once (403 `insufficient_scope`), refuses what nothing guards, and answers 503 if nothing can be known.
   */
  protect(handler: McpHandler): McpHandler;
}

const needs: Check = (value) =>
  isObject(value) && Object.values(value).every((scopes) => Array.isArray(scopes) && scopes.every(isText))
    ? undefined
    : 'an object of lists of scopes, such as { pay: ["payments"] }';

const OPTIONS: Checks<McpGuardOptions> = {
  service: anObject("what createBakehouse gives"),
  verifier: ifSaid(anObject("what createLocalVerifier gives")),
  resource: (value) => {
    const read = isText(value) ? readResourceUri(value) : undefined;
    if (read?.ok !== true) return 'a URI, such as "https://mcp.example.com/mcp"';
    // Tokens and metadata have that one spelling alone.
    return read.uri === value ? undefined : `its canonical URI, ${JSON.stringify(read.uri)}`;
  },
  tools: needs,
  methods: ifSaid(needs),
  scopes: ifSaid((value) =>
    Array.isArray(value) && value.every(isText) ? undefined : 'a list, such as ["files:read"]',
  ),
  name: ifSaid(aText('"Files"')),
  acceptUnbound: ifSaid(aTruth),
  issuer: ifSaid(aText('"https://bakehouse.example"')),
  onError: ifSaid(aFunction("console.error")),
};

/** What a refusal says when nobody could find out. */
const UNKNOWN = "whether the token allows this cannot be found out now: try again later";

/**
 * Makes an MCP server of the official SDK a resource of a Bakehouse: any MCP client logs a person in there, and what it gets is a
 * macaroon, which narrows offline and dies link by link.
 *
 * @throws TypeError for options of the wrong shape
 * @example
 * const guard = createMcpGuard({ service, resource: "https://mcp.example.com/mcp", tools: { read: ["files:read"] } });
 * const handler = createMcpHandler(() => {
 *   const server = new McpServer({ name: "files", version: "1.0.0" });
 *   const inputSchema = z.object({ path: z.string() });
 *   server.registerTool("read", { inputSchema }, guard.tool("read", async ({ path }) => textOf(path)));
 *   return server;
 * });
 * createServer(toNodeHandler(guard.protect(handler))).listen(8081);
 */
export function createMcpGuard(options: McpGuardOptions): McpGuard {
  checkOptions("createMcpGuard", options, OPTIONS, "{ service, resource, tools }");
  for (const member of ["service", "resource", "tools"]) {
    if (!(member in options)) throw new TypeError(`createMcpGuard: ${member} is missing`);
  }
  const { service, verifier = service, resource, tools, methods = {}, acceptUnbound = false } = options;
  const known = [...new Set([...Object.values(tools), ...Object.values(methods)].flat())];
  const outage = createOutage(options.onError);
  const members = { resource, scopes: known, name: options.name };
  const metadata = createResourceMetadata(service, new URL(resource), members, options.issuer);
  const about = { resource, scopes: known, acceptUnbound, metadataUrl: metadata.url };
  const access = createAccess(verifier, outage, about);
  const approvals = createApprovals(service, metadata.issuer);
  const guarded = new Set<string>();
  const isGuarded = (tool: string) => guarded.has(tool);
  const scopes = options.scopes ?? known;

  return {
    metadataUrl: metadata.url,
    verifyAccessToken: access.verifyAccessToken,
    protect: createGate({ access, metadata, outage, tools, methods, scopes, isGuarded }),

    tool<A extends object, R extends CallToolResult | InputRequiredResult>(
      name: string,
      run: (args: A, context: ServerContext, verdict: Allowed) => R | Promise<R>,
      price?: Price<A, R>,
    ) {
      checkShape("guard.tool: the name", name, (value) =>
        isText(value) && Object.hasOwn(tools, value) ? undefined : "one of the guard's tools",
      );
      checkShape("guard.tool: the tool", run, aFunction("async ({ path }) => result"));
      guarded.add(name);
      const needed = tools[name] ?? [];

      return async (args: A, context: ServerContext) => {
        const text = context.http?.authInfo?.token;
        if (text === undefined) return refused("a token is needed: this server has to be behind its guard");
        const use: ToolUse = { tool: name, args, token: Token.parse(text) };
        let isRunning = false;
        const tool = guardTool<A, R>(
          verifier,
          name,
          (cleared, verdict) => {
            isRunning = true;
            return run(cleared, context, verdict);
          },
          price,
        );
        const attempt = (token: Token) =>
          tool(args, {
            token: token.encode(),
            resource,
            context: needed.length === 0 ? {} : { scope: needed },
            signal: context.mcpReq.signal,
            ...placeOf(context.mcpReq._meta),
          });

        try {
          const resumed = await approvals.resume(use, context);
          if (resumed.result !== undefined) return resumed.result;
          try {
            return await attempt(resumed.token);
          } catch (error) {
            if (isRunning || !needsDischarge(error)) throw error;
            const begun = await approvals.begin(use, error, context);
            return begun.result ?? (await attempt(begun.token));
          }
        } catch (error) {
          // An error of the tool itself is the SDK's to tell.
          if (isRunning) throw error;
          if (error instanceof ToolRefusedError) return refused(error.message);
          if (!(error instanceof BakehouseError)) throw error;
          outage.failed(error);
          return refused(UNKNOWN);
        }
      };
    },
  };
}

function needsDischarge(error: unknown): error is ToolRefusedError {
  return error instanceof ToolRefusedError && error.verdict.code === "discharge_missing";
}
