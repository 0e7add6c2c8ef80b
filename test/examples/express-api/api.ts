import { guardNode, type Verifier } from "bakehouse";
import express, { type Express, type Request } from "express";

/** An API for orders. A request needs a token that allows its action, and an order one that allows its amount. */
export function ordersApi(verifier: Verifier): Express {
  const orders: { readonly by: string | undefined; readonly amount: unknown }[] = [];
  const app = express();
  // Without these `/ORDERS` and `/orders/` would be `/orders` to Express, and other paths to a caveat.
  app.enable("case sensitive routing");
  app.enable("strict routing");
  app.use(express.json({ limit: "10kb" }));
  app.use(
    guardNode(verifier, (request: Request) =>
      request.method === "POST" ? { action: "order", args: { ...request.body } } : { action: "read" },
    ),
  );

  app.get("/orders", (_, response) => void response.json(orders));
  app.post("/orders", (request, response) => {
    orders.push({ by: request.bakehouse?.principal.subject, amount: request.body.amount });
    response.status(201).json(orders.at(-1));
  });
  return app;
}
