/* hono with npm's `macaroon`: signatures alone. Its conditions are only passed over, which favours it. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import macaroon from "macaroon";

const length = Number(process.argv[3] ?? 0);
const answer = JSON.stringify({ allowed: true, filler: "x".repeat(Math.max(0, length - 28)) });
const key = Buffer.from(process.argv[4] ?? "", "hex");
const app = new Hono();
app.post("/v1/verify", async (c) => {
  const { token } = await c.req.json();
  macaroon.importMacaroon(new Uint8Array(Buffer.from(token, "base64url"))).verify(key, () => null, []);
  return c.body(answer, 200, { "content-type": "application/json" });
});
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: "127.0.0.1" }, () =>
  process.stderr.write("ready at\n"),
);
