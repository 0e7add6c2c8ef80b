import { describe, expect, test } from "vitest";

import { createBakehouse } from "../../src/client/index.ts";
import { placeOf } from "../../src/client/mcp/place.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PLACE = `00-${TRACE}-${SPAN}-01`;

describe("a traceparent", () => {
  test("of an MCP message is taken if it is one, whatever else is there", () => {
    expect(placeOf({ traceparent: PLACE })).toEqual({ traceparent: PLACE });
    for (const meta of [undefined, null, "x", {}, { traceparent: 1 }, { traceparent: `${PLACE}\n` }]) {
      expect(placeOf(meta)).toEqual({});
    }
  });

  test("goes with a call of the library, unless it is malformed", async () => {
    const sent: (string | null)[] = [];
    const service = createBakehouse({
      url: "https://bakehouse.example",
      retries: 0,
      async fetch(_, { headers }) {
        sent.push(new Headers(headers).get("traceparent"));
        return Response.json({ allowed: false, code: "malformed", detail: "x" });
      },
    });
    for (const traceparent of [PLACE, "x"]) {
      await service.verify({ token: "x", context: {} }, { traceparent }).catch(() => undefined);
    }
    expect(sent).toEqual([PLACE, null]);
  });
});
