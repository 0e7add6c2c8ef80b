import { type Allowed, guardHono, type Verifier } from "bakehouse";
import { type Context, Hono } from "hono";

interface Env {
  Variables: { bakehouse: Allowed };
}

/** An API for notes. A request needs a token that allows its action on that note. */
export function notesApi(verifier: Verifier): Hono<Env> {
  const notes = new Map<string, string>();
  const app = new Hono<Env>();
  app.use(
    "/notes/:id",
    guardHono(verifier, (c: Context<Env>) => ({
      action: c.req.method === "POST" ? "write" : "read",
      resource: `note:${c.req.param("id")}`,
    })),
  );

  app.get("/notes/:id", (c) => c.json({ text: notes.get(c.req.param("id")) ?? null }));
  app.post("/notes/:id", async (c) => {
    const { text } = await c.req.json<{ text: string }>();
    notes.set(c.req.param("id"), text);
    return c.json({ by: c.get("bakehouse").principal.subject });
  });
  return app;
}
