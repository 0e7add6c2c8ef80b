import { z } from "zod";
import type { Reservation } from "../../domain/ports/budgets.ts";
import type { JsonValue } from "../../json/value.ts";
import { RESERVATION_STATES } from "../../words/states.ts";
import { check } from "../request/json-body.ts";
import { costSchema, keptAsParsed, readCost } from "./cost.ts";
import { instant, opaqueId, printInstant } from "./text.ts";

const amounts = z.record(z.string(), z.string());

/** A reservation, as answers write it. */
export const reservationSchema = z
  .strictObject({
    id: opaqueId,
    state: z.enum(RESERVATION_STATES).meta({
      description:
        "`released`: all of it was given back. `expired`: nobody settled it in time, it stays charged.",
    }),
    cost: amounts.meta({ description: "What was reserved, by unit." }),
    settled: amounts.optional().meta({ description: "What was needed in the end, by unit." }),
    expires_at: instant,
  })
  .meta({ id: "Reservation", description: "A charge of which less may be needed in the end." });

/** Writes a reservation. */
export function reservationWire(reservation: Reservation): z.infer<typeof reservationSchema> {
  const { id, state, cost, settled, expiresAt } = reservation;
  return {
    id,
    state,
    cost: { ...cost },
    ...(settled !== null && { settled: { ...settled } }),
    expires_at: printInstant(expiresAt),
  };
}

/** The final amounts of a reservation. */
export const settleSchema = z
  .strictObject({
    cost: costSchema.meta({
      description: "What was needed: each unit that was reserved, and no more of it.",
    }),
  })
  .meta({ id: "SettleRequest" });

/** Reads it. @throws DomainError or JsonError that names the member at fault */
export function readSettlement(tree: JsonValue) {
  return readCost(check(settleSchema, keptAsParsed(tree, ["cost"])).cost);
}
