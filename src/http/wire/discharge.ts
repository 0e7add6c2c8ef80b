import { z } from "zod";
import type { Asked, AskRequest } from "../../domain/discharge-service.ts";
import { LIMITS } from "../../macaroon/index.ts";
import { fromBase64url } from "./base64url.ts";
import { caveats, instant, opaqueId, printInstant, revocationId } from "./text.ts";

/** Characters of base64 that as many bytes take as a caveat may have. */
const MOST_CHARACTERS = 4 * Math.ceil(LIMITS.caveatBytes / 3);

/** Bytes as base64url without padding. */
const bytes = z
  .string()
  .min(1)
  .max(MOST_CHARACTERS)
  .refine((text) => fromBase64url(text) !== undefined, "must be base64url without padding");

/** A request for a discharge. */
export const askSchema = z
  .strictObject({
    caveat_id: bytes.meta({
      description: "The third-party caveat's id, as `undischarged` of a verdict gives it, base64url.",
    }),
    caveat: bytes.optional().meta({
      description: "The ticket, where the caveat's id is not the ticket itself (macaroon-bakery's `cdata`).",
    }),
    token: z.string().min(1).optional().meta({
      description: "The live token that carries the caveat. Needed for `is-principal` and `approved-by`.",
    }),
    ancestor: revocationId.optional().meta({
      description:
        "Ties the discharge to this link: it needs no binding and serves every macaroon at or below it. Where a token is shown the discharge is for that very link, and nothing else can be asked.",
    }),
    caveats: caveats.optional().meta({
      description:
        "Narrow the discharge: they are appended to it, so that what they say is enforced, and shown to whoever is asked. Tests of the call, `time <`, `uses`, `spend` and `rate`; at most 32, together of 4096 bytes. A ticket that is `exact` needs one test at least.",
      examples: [["tool = pay", "args.amount = 40"]],
    }),
  })
  .meta({ id: "DischargeRequest", description: "What is to be discharged." });

/** A discharge. */
export const dischargeSchema = z
  .strictObject({
    discharge: z.string().meta({
      description: "The discharge macaroon, base64url. Bind it to the root, unless it has an `ancestor`.",
    }),
  })
  .meta({ id: "Discharge" });

/** That a person has to act first. */
export const waitingSchema = z
  .strictObject({
    id: opaqueId.meta({ description: "Of the request; of an approval also the approval id." }),
    secret: z.string().meta({ description: "Collects the discharge. Only this answer holds it." }),
    user_url: z.string().meta({ description: "The page where a person acts." }),
    user_code: z
      .string()
      .meta({ description: "Show it to the person: the page shows the same, so that they know who asks." }),
    expires_at: instant,
  })
  .meta({ id: "DischargeWaiting" });

/** Reads a request for a discharge. */
export function askRequest(body: z.infer<typeof askSchema>): AskRequest {
  return {
    caveatId: fromBase64url(body.caveat_id) ?? new Uint8Array(),
    payload: body.caveat === undefined ? undefined : fromBase64url(body.caveat),
    token: body.token,
    ancestor: body.ancestor,
    caveats: body.caveats ?? [],
  };
}

/** Writes that a person has to act first. */
export function waitingWire(
  asked: Extract<Asked, { readonly state: "pending" }>,
  publicUrl: URL,
): z.infer<typeof waitingSchema> {
  const { id, secret, code, path, expiresAt } = asked;
  return {
    id,
    secret,
    user_url: new URL(path, publicUrl).href,
    user_code: code,
    expires_at: printInstant(expiresAt),
  };
}
