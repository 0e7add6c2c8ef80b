/* The empty hono route: it parses the body and answers so many bytes, and does nothing else. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";

/** An answer of so many bytes. */
export function answerOf(length) {
  return JSON.stringify({ allowed: true, filler: "x".repeat(Math.max(0, length - 28)) });
}

/** @param verify what is done with the body, besides */
export function serveHono(port, length, verify, onReady) {
  const answer = answerOf(length);
  const app = new Hono();
  app.post("/v1/verify", async (c) => {
    const body = await c.req.json();
    await verify?.(body);
    return c.body(answer, 200, { "content-type": "application/json" });
  });
  serve({ fetch: app.fetch, port: Number(port), hostname: "127.0.0.1" }, onReady);
}

export const sayReady = () => void process.stderr.write("ready at\n");
