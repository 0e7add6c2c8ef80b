import { createHmac } from "node:crypto";
import type { Secret } from "../domain/keys/secret.ts";
import type { Webhook } from "../domain/ports/webhook.ts";
import { TRACEPARENT } from "../words/traceparent.ts";

/** Milliseconds that a receiver may take, unless said otherwise. */
const PATIENCE = 10_000;

/**
 * Sends notifications by HTTP POST, signed as Standard Webhooks does: `webhook-signature` is `v1,` and base64 of
 * HMAC-SHA256 over `webhook-id`, `webhook-timestamp` (unix seconds) and the body, joined by dots.
 *
 * The address is the operator's, and redirects are not followed: they could lead anywhere.
 */
export function createWebhook(options: {
  readonly url: string;
  readonly secret: Secret;
  readonly fetch?: typeof globalThis.fetch;
  readonly patience?: number;
  /** The place in a trace of the delivery that is under way; undefined if it is in none. */
  readonly traceparent?: (() => string | undefined) | undefined;
}): Webhook {
  const {
    url,
    secret,
    fetch = globalThis.fetch,
    patience = PATIENCE,
    traceparent = () => undefined,
  } = options;
  return {
    async send({ id, body, at }) {
      const timestamp = String(Math.floor(at / 1000));
      const mac = createHmac("sha256", secret.reveal()).update(`${id}.${timestamp}.${body}`).digest("base64");
      const place = traceparent();
      try {
        const response = await fetch(url, {
          method: "POST",
          redirect: "error",
          signal: AbortSignal.timeout(patience),
          headers: {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": `v1,${mac}`,
            ...(place !== undefined && { [TRACEPARENT]: place }),
          },
          body,
        });
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    },
  };
}
