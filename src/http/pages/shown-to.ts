import { createHash } from "node:crypto";

import type { Identity } from "../../domain/ports/sessions.ts";

/** The field of a form that names the reader of its page. */
export const SHOWN_TO = "shown_to";

/**
 * Names the reader of a page, for its form. A browser has one session in all its tabs: if somebody else has signed in
 * since, a page that names one person must not act as another.
 */
export function shownTo({ issuer, subject }: Pick<Identity, "issuer" | "subject">): string {
  const name = JSON.stringify([issuer, subject]);
  return createHash("sha256").update("bakehouse page v1\0").update(name).digest("base64url").slice(0, 22);
}
