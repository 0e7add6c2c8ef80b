import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";

import {
  BakehouseError,
  guardTool,
  readBearer,
  type ToolCall,
  ToolRefusedError,
  type Verifier,
} from "bakehouse";

type Tool = (args: object, call: ToolCall) => Promise<object>;

/** Answers `POST /tools/NAME` with JSON arguments. Each tool runs only for tokens that allow it, with these arguments. */
export function toolServer(verifier: Verifier): Server {
  const tools = new Map<string, Tool>([
    ["search", guardTool(verifier, "search", () => ({ found: ["paper", "ink"] }))],
    ["pay", guardTool(verifier, "pay", (args: object) => ({ paid: args }))],
  ]);

  async function answer(path: string, token: string, args: object): Promise<readonly [number, object]> {
    const tool = tools.get(path.replace("/tools/", ""));
    if (tool === undefined) return [404, { detail: "there is no such tool" }];
    try {
      return [200, await tool(args, { token })];
    } catch (error) {
      // The caller's agent is told which caveat forbids the call, and what would pass.
      if (error instanceof ToolRefusedError) return [403, { detail: error.message }];
      if (error instanceof BakehouseError) return [503, { detail: "nobody could find out now" }];
      throw error;
    }
  }

  return createServer(async (request, response) => {
    const bearer = readBearer(request.headers.authorization);
    let [status, body]: readonly [number, object] = [401, { detail: "a token is needed" }];
    try {
      if (bearer.state === "token") {
        const args: unknown = await json(request);
        const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
        [status, body] = isObject
          ? await answer(request.url ?? "", bearer.token, args)
          : [400, { detail: "arguments are an object" }];
      }
    } catch {
      [status, body] = [500, { detail: "internal error" }];
    }
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
}
