/* The HTTP floor: hono parses the same body and answers so many bytes, and does nothing else. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const length = Number(process.argv[3] ?? 0);
const answer = JSON.stringify({ allowed: true, filler: "x".repeat(Math.max(0, length - 28)) });
const app = new Hono();
app.post("/v1/verify", async (c) => {
  const body = await c.req.json();
  if (typeof body !== "object") return c.json({}, 400);
  return c.body(answer, 200, { "content-type": "application/json" });
});
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: "127.0.0.1" }, () =>
  process.stderr.write("ready at\n"),
);
