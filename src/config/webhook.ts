import { isLoopbackHost } from "../domain/access/this-machine.ts";
import type { Secret } from "../domain/keys/secret.ts";
import { Invalid, type Reader } from "./environment.ts";
import { parseSecretKey, parseUrl } from "./values.ts";

/** The address at which approvals are announced, and the secret that signs the announcements. */
export interface WebhookConfig {
  readonly url: string;
  readonly secret: Secret;
}

function parseWebhookUrl(text: string): string {
  const url = parseUrl(text, ["https:", "http:"]);
  if (url.username !== "" || url.password !== "")
    throw new Invalid("must be a URL without user and password");
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    throw new Invalid("must be https: unless it is on this machine");
  }
  return url.href;
}

/** Reads if approvals are announced; undefined for nowhere. */
export function readWebhook({ isSet, read, problem }: Reader): WebhookConfig | undefined {
  const url = read("WEBHOOK_URL", parseWebhookUrl);
  const secret = read("WEBHOOK_SECRET", parseSecretKey);
  if (isSet("WEBHOOK_URL") !== isSet("WEBHOOK_SECRET"))
    problem("WEBHOOK_URL: goes with a WEBHOOK_SECRET, and the other way round");
  return url === undefined || secret === undefined ? undefined : { url, secret };
}
