import { z } from "zod";
import type { Decimal } from "../../caveats/values/decimal.ts";
import { ANY_RESOURCE, type Caller } from "../../domain/caller.ts";
import { requirePlatform } from "../../domain/permission.ts";
import { UUID } from "../../words/ids.ts";
import { json } from "../parts/reply.ts";
import { MAX_BODY } from "../request/body.ts";
import type { JsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { readSettlement, reservationSchema, reservationWire, settleSchema } from "../wire/reservation.ts";

const params = z.strictObject({ id: z.string().regex(UUID, "must be a reservation's id") });
const authorize = (caller: Caller) => void requirePlatform(caller, "verify", ANY_RESOURCE);

const example = {
  id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  state: "settled",
  cost: { EUR: "2" },
  settled: { EUR: "1.25" },
  expires_at: "2026-11-22T13:10:00.000Z",
};

/** `GET /v1/reservations/{id}` */
export const getReservation = defineRoute({
  method: "GET",
  path: "/v1/reservations/{id}",
  operationId: "getReservation",
  tag: "Verify",
  summary: "What became of a reservation",
  description: "For the platform that reserved. Kept for a day past its end.",
  auth: "caller",
  authorize,
  params,
  responses: { 200: { description: "The reservation.", schema: reservationSchema, example } },
  async handler({ service, caller, params }) {
    return json(200, reservationWire(await service.reservations.get(caller, params.id)));
  },
});

const settleBody: JsonBody<ReadonlyMap<string, Decimal>> = {
  schema: settleSchema,
  example: { cost: { EUR: "1.25" } },
  maxBytes: MAX_BODY,
  read: readSettlement,
};

/** `POST /v1/reservations/{id}/settle` */
export const settleReservation = defineRoute({
  method: "POST",
  path: "/v1/reservations/{id}/settle",
  operationId: "settleReservation",
  tag: "Verify",
  summary: "Say what was needed, and give back the rest",
  description:
    "For the platform that reserved. Names each unit of the reserved `cost`; the difference goes back to the `spend` budgets, while `uses` and `rate` stay. More than was reserved is 422 and changes nothing. The first to settle or to give back wins: the same again is answered the same, another is 409, and so is one that has ended.",
  auth: "caller",
  authorize,
  params,
  body: settleBody,
  responses: { 200: { description: "Settled.", schema: reservationSchema, example } },
  problems: ["conflict", "unprocessable"],
  async handler({ service, caller, params, body }) {
    return json(200, reservationWire(await service.reservations.settle(caller, params.id, body)));
  },
});

/** `DELETE /v1/reservations/{id}` */
export const releaseReservation = defineRoute({
  method: "DELETE",
  path: "/v1/reservations/{id}",
  operationId: "releaseReservation",
  tag: "Verify",
  summary: "Give back all that was reserved",
  description:
    "For the platform that reserved: all of the `spend`; `uses` and `rate` stay. Again is answered the same; one that was settled or has ended is 409.",
  auth: "caller",
  authorize,
  params,
  responses: {
    200: {
      description: "Given back.",
      schema: reservationSchema,
      example: { ...example, state: "released" },
    },
  },
  problems: ["conflict"],
  async handler({ service, caller, params }) {
    return json(200, reservationWire(await service.reservations.release(caller, params.id)));
  },
});
