import { createServer } from "node:http";

import { getRequestListener } from "@hono/node-server";
import type {
  OAuthClientInformation,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import { type CallToolResult, createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

import type { McpGuard } from "../../src/client/mcp/mcp.ts";
import { type Browser, createBrowser } from "../support/browser.ts";
import { until } from "../support/until.ts";

/** Where a client of these tests has its person led back to; nothing listens there. */
export const CALLBACK = "http://127.0.0.1/callback";

const say = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });

/** A server of the SDK with three tools behind a guard, over HTTP. */
export async function serveTools(port: number, guard: McpGuard): Promise<{ close(): Promise<void> }> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "files", version: "1.0.0" });
    const path = z.object({ path: z.string() });
    server.registerTool(
      "read",
      { inputSchema: path },
      guard.tool("read", async ({ path }, _, verdict) => say(`${path} for ${verdict.principal.subject}`)),
    );
    server.registerTool(
      "write",
      { inputSchema: path },
      guard.tool("write", async ({ path }) => say(`wrote ${path}`)),
    );
    server.registerTool(
      "pay",
      { inputSchema: z.object({ amount: z.number(), to: z.string() }) },
      guard.tool("pay", async ({ amount, to }) => say(`paid ${amount} to ${to}`)),
    );
    // Whoever wrote it forgot the guard.
    server.registerTool("bare", { inputSchema: path }, async () => say("out in the open"));
    server.registerTool("unknown", { inputSchema: path }, async () => say("never declared"));
    server.registerResource("secret", "file:///secret", {}, async (uri) => ({
      contents: [{ uri: uri.href, text: "secret" }],
    }));
    return server;
  });
  const guarded = guard.protect(handler);
  // Its own Request and Response for all of the process would be none to the client that runs beside it.
  const handle = getRequestListener((request) => guarded.fetch(request), { overrideGlobalObjects: false });
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client's memory, and the page that it wants its person to see. */
export interface Memory extends OAuthClientProvider {
  saved: StoredOAuthTokens | undefined;
  led: URL | undefined;
}

/** A provider as a program for one person has it: all that the SDK asks for, and nothing else. */
export function rememberingProvider(client: OAuthClientInformation): Memory {
  let verifier = "";
  let found: OAuthDiscoveryState | undefined;
  const memory: Memory = {
    saved: undefined,
    led: undefined,
    redirectUrl: CALLBACK,
    clientMetadata: { client_name: "Agent", redirect_uris: [CALLBACK] },
    clientInformation: () => client,
    tokens: () => memory.saved,
    saveTokens(tokens) {
      memory.saved = tokens;
    },
    redirectToAuthorization(url) {
      memory.led = url;
    },
    saveCodeVerifier(text) {
      verifier = text;
    },
    codeVerifier: () => verifier,
    saveDiscoveryState(state) {
      found = state;
    },
    discoveryState: () => found,
    invalidateCredentials() {
      memory.saved = undefined;
    },
  };
  return memory;
}

/** Somebody at a browser of their own. */
export function personAt(subject: string) {
  const browser: Browser = createBrowser();

  /** Opens a page, logged in. A login that a busy machine broke off is begun anew, as people do. */
  const open = (url: string | URL) =>
    until(async () => {
      const page = await browser.get(url);
      const [form] = page.forms;
      const asksWho = form !== undefined && "name" in form.fields;
      const shown = asksWho ? await browser.submit(form, { name: subject }) : page;
      return ["/login", "/callback"].includes(shown.url.pathname) ? undefined : shown;
    });

  return {
    /** Lets a client have a token. @returns the parameters with which the browser comes back to it, and the page that was shown */
    async consent(url: URL) {
      const page = await open(url);
      const led = await browser.submit(page.form(), { decision: "allow" });
      const address = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(led.text)?.[1];
      if (address === undefined) throw new Error(`led nowhere: ${led.status} ${led.text}`);
      return { back: new URL(address.replaceAll("&amp;", "&")).searchParams, page: page.text };
    },
    /** Answers the page of a discharge. */
    async decide(url: string, decision: "approve" | "deny" | "confirm") {
      const page = await open(url);
      const form = page.forms.find(({ buttons }) => buttons.includes("decision"));
      if (form === undefined) throw new Error(`nothing to decide: ${page.status} ${page.text}`);
      await browser.submit(form, decision === "deny" ? { decision, reason: "not today" } : { decision });
      return page.text;
    },
  };
}
