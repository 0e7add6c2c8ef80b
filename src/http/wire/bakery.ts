import { z } from "zod";

/** A macaroon as macaroon-bakery writes it: v2 JSON in an envelope. */
export const bakeryMacaroonSchema = z
  .strictObject({
    m: z.looseObject({ s64: z.string() }).meta({ description: "The macaroon, v2 JSON." }),
    v: z.literal(3),
    ns: z.literal("std:"),
  })
  .meta({ id: "BakeryMacaroon", description: "macaroon-bakery's form of a macaroon." });

/** The answer to a client of macaroon-bakery that has to log in first. */
export const dischargeRequiredSchema = z
  .strictObject({
    Code: z.literal("macaroon discharge required"),
    Message: z.string(),
    Info: z.strictObject({
      Macaroon: bakeryMacaroonSchema,
      MacaroonPath: z.string(),
      CookieNameSuffix: z.string(),
    }),
  })
  .meta({ id: "DischargeRequired", description: "For clients that send `Bakery-Protocol-Version`." });

/** A refusal in macaroon-bakery's form. */
export const bakeryErrorSchema = z
  .strictObject({ Code: z.string(), Message: z.string() })
  .meta({ id: "BakeryError" });

/** That a person has to act first, in macaroon-bakery's form. */
export const interactionRequiredSchema = z
  .strictObject({
    Code: z.literal("interaction required"),
    Message: z.string(),
    Info: z.strictObject({
      InteractionMethods: z.strictObject({
        "browser-window": z.strictObject({ VisitURL: z.string(), WaitTokenURL: z.string() }),
      }),
    }),
  })
  .meta({ id: "InteractionRequired" });
