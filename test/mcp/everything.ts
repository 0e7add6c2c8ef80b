import {
  acceptedContent,
  type CallToolResult,
  completable,
  createRequestStateCodec,
  type GetPromptResult,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  McpServer,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";

import type { McpGuard } from "../../src/client/mcp/mcp.ts";

type Answer = CallToolResult | InputRequiredResult;

type Run = (context: ServerContext) => Promise<Answer> | Answer;

/** The smallest PNG, and the smallest WAV. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

const say = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });

const states = createRequestStateCodec<string>({ key: new Uint8Array(32).fill(7) });

/** Asks for one text by the name `key`. */
function ask(key: string, message: string, member: string, requestState?: string): InputRequiredResult {
  const requestedSchema = z.object({ [member]: z.string() });
  return inputRequired({
    inputRequests: { [key]: inputRequired.elicit({ message, requestedSchema }) },
    ...(requestState !== undefined && { requestState }),
  });
}

/** A text that was answered by the name `key`. */
function told({ mcpReq }: ServerContext, key: string, member: string): string | undefined {
  return acceptedContent(mcpReq.inputResponses, key, z.object({ [member]: z.string() }))?.[member];
}

const sampling = (text: string) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text } }],
    maxTokens: 100,
  });

const confirm = async (): Promise<InputRequiredResult> =>
  inputRequired({
    inputRequests: {
      confirm: inputRequired.elicit({
        message: "Please confirm",
        requestedSchema: z.object({ ok: z.boolean() }),
      }),
    },
    requestState: await states.mint("confirm"),
  });

/** Arguments of which one stands in a header, too, for proxies. */
const IN_HEADER = z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) });

/** The tools by the names that the scenarios call them. */
const TOOLS: Readonly<Record<string, Run>> = {
  test_simple_text: () => say("This is a simple text response for testing."),
  test_image_content: () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] }),
  test_audio_content: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
  test_embedded_resource: () => ({
    content: [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  }),
  test_multiple_content_types: () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PNG, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: '{"test":"data","value":123}',
        },
      },
    ],
  }),
  test_error_handling: () => {
    throw new Error("This tool intentionally returns an error for testing");
  },
  async test_tool_with_progress({ mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await mcpReq.notify({
        method: "notifications/progress",
        params: { progressToken: progressToken ?? 0, progress, total: 100 },
      });
    }
    return say("done");
  },
  async test_tool_with_logging({ mcpReq }) {
    for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await mcpReq.log("info", data);
    }
    return say("done");
  },
  async test_logging_tool({ mcpReq }) {
    await mcpReq.log("info", "logged");
    return say("done");
  },
  test_input_required_result_elicitation(context) {
    const name = told(context, "user_name", "name");
    return name === undefined ? ask("user_name", "What is your name?", "name") : say(`Hello, ${name}!`);
  },
  test_input_required_result_sampling({ mcpReq }) {
    const given = inputResponse(mcpReq.inputResponses, "capital_question");
    return given.kind === "sampling"
      ? say(JSON.stringify(given.result.content))
      : inputRequired({ inputRequests: { capital_question: sampling("What is the capital of France?") } });
  },
  test_missing_capability: () => inputRequired({ inputRequests: { greeting: sampling("Greet") } }),
  test_streaming_elicitation: () => ask("user_name", "What is your name?", "name"),
  test_input_required_result_capabilities: () =>
    inputRequired({ inputRequests: { greeting: sampling("Greet") } }),
  test_custom_headers: () => say("done"),
  test_input_required_result_list_roots({ mcpReq }) {
    const given = inputResponse(mcpReq.inputResponses, "client_roots");
    return given.kind === "roots"
      ? say(given.roots.map(({ uri }) => uri).join(" "))
      : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  },
  async test_input_required_result_request_state({ mcpReq }) {
    const isOurs = mcpReq.requestState() === "confirm";
    return isOurs && mcpReq.inputResponses !== undefined ? say("state-ok") : confirm();
  },
  async test_input_required_result_tampered_state({ mcpReq }) {
    return mcpReq.requestState() === "confirm" ? say("state-ok") : confirm();
  },
  async test_input_required_result_multiple_inputs(context) {
    const name = told(context, "user_name", "name");
    if (name !== undefined && context.mcpReq.requestState() === "several") return say(`Hello, ${name}!`);
    return inputRequired({
      inputRequests: {
        user_name: inputRequired.elicit({
          message: "What is your name?",
          requestedSchema: z.object({ name: z.string() }),
        }),
        greeting: sampling("Generate a greeting"),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint("several"),
    });
  },
  async test_input_required_result_multi_round(context) {
    const state = context.mcpReq.requestState<string>();
    if (state === "second" && told(context, "step2", "color") !== undefined) return say("done");
    if (state === "first" && told(context, "step1", "name") !== undefined) {
      return ask("step2", "Step 2: What is your favorite color?", "color", await states.mint("second"));
    }
    return ask("step1", "Step 1: What is your name?", "name", await states.mint("first"));
  },
};

/** Methods beside `tools/call` that do something, none of which needs a scope. */
export const METHODS = { "resources/read": [], "prompts/get": [], "completion/complete": [] };

export const TOOL_NAMES: readonly string[] = Object.keys(TOOLS);

/**
 * A server of the SDK with what the conformance package's scenarios call, guarded tool by tool.
 *
 * @param guard none for a server that lets everybody in
 */
export function everythingServer(guard?: McpGuard): McpServer {
  const server = new McpServer(
    { name: "everything", version: "1.0.0" },
    { capabilities: { logging: {}, completions: {} }, requestState: { verify: states.verify } },
  );
  for (const [name, run] of Object.entries(TOOLS)) {
    const inputSchema = name === "test_custom_headers" ? IN_HEADER : z.object({});
    const code = async (_: object, context: ServerContext) => run(context);
    server.registerTool(name, { description: name, inputSchema }, guard?.tool(name, code) ?? code);
  }
  registerResources(server);
  registerPrompts(server);
  return server;
}

function registerResources(server: McpServer): void {
  const described = (mimeType: string) => ({ description: "For tests", mimeType });
  server.registerResource("text", "test://static-text", described("text/plain"), ({ href: uri }) => ({
    contents: [{ uri, mimeType: "text/plain", text: "This is the content of the static text resource." }],
  }));
  server.registerResource("binary", "test://static-binary", described("image/png"), ({ href: uri }) => ({
    contents: [{ uri, mimeType: "image/png", blob: PNG }],
  }));
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource("template", template, described("application/json"), ({ href: uri }, { id }) => {
    const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` });
    return { contents: [{ uri, mimeType: "application/json", text }] };
  });
}

function registerPrompts(server: McpServer): void {
  const user = (...contents: GetPromptResult["messages"][number]["content"][]): GetPromptResult => ({
    messages: contents.map((content) => ({ role: "user", content })),
  });
  const text = (said: string) => ({ type: "text", text: said }) as const;
  const description = "For tests";
  server.registerPrompt("test_simple_prompt", { description }, () =>
    user(text("This is a simple prompt for testing.")),
  );
  const anything = completable(z.string(), (begun) => [`${begun}s`]);
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description, argsSchema: z.object({ arg1: anything, arg2: z.string() }) },
    ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description, argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri: uri }) =>
      user(
        {
          type: "resource",
          resource: { uri, mimeType: "text/plain", text: "Embedded resource content for testing." },
        },
        text("Please process the embedded resource above."),
      ),
  );
  server.registerPrompt("test_prompt_with_image", { description }, () =>
    user({ type: "image", data: PNG, mimeType: "image/png" }, text("Please analyze the image above.")),
  );
  server.registerPrompt("test_input_required_result_prompt", { description }, (context) => {
    const said = told(context, "user_context", "context");
    return said === undefined
      ? ask("user_context", "What context should the prompt use?", "context")
      : user(text(said));
  });
}
