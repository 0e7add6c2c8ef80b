import type { Config } from "../../config.ts";
import { connectionTrouble } from "../../oidc/connection-trouble.ts";
import { about, type Finding } from "./finding.ts";

/** Milliseconds. */
const PATIENCE = 10_000;

/**
 * Looks whether somebody answers at the webhook's address. Nothing is sent there that could be taken for a notification;
 * of the address the origin alone is told, since the rest may be a secret.
 */
export async function webhookFindings({ webhook }: Pick<Config, "webhook">): Promise<readonly Finding[]> {
  const { ok, warning, failed, skipped } = about("webhook");
  if (webhook === undefined) return [skipped("WEBHOOK_URL is not set: approvals are announced nowhere")];
  const { origin } = new URL(webhook.url);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const { status } = await fetch(webhook.url, { method: "HEAD", redirect: "manual", signal });
    if (status >= 500) return [warning(`${origin} answers ${status}`, "look into its log")];
    if (status >= 300 && status < 400)
      return [
        warning(
          `${origin} redirects (${status})`,
          "set WEBHOOK_URL to where it leads: redirects are not followed",
        ),
      ];
    return [ok(`${origin} answers (${status} to HEAD)`)];
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    const { words, code } = connectionTrouble(error);
    const why = isLate ? "it did not answer in time" : `${words}${code === undefined ? "" : ` (${code})`}`;
    return [failed(`${origin}: ${why}`, "notices of approvals wait six hours for it, and are dropped then")];
  }
}
