import { encodeBundle } from "../../macaroon/index.ts";
import type { StrangerLookUps } from "../access/stranger-look-ups.ts";
import type { Discharges } from "../discharge-service.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import { DomainError } from "../parts/error.ts";
import { COLLECT_WAIT } from "../parts/lifetimes.ts";
import { createAsking } from "./asking.ts";
import { createConfirmations } from "./confirmations.ts";
import { findBySecret, nameInMemory, noSuchRequest, stateAt } from "./requests.ts";

/** Discharges tickets over this service's own API: a discharge is asked for, confirmed by a person, collected. */
export function createDischarges(
  options: Parameters<typeof createAsking>[0] &
    Parameters<typeof createConfirmations>[0] & {
      readonly keys: DischargeKeys;
      readonly lookUps: StrangerLookUps;
    },
): Discharges {
  const { store, clock, desk, room } = options;
  return {
    publicKey: () => options.keys.publicKey(),
    ask: createAsking(options),

    async collect(id, secret, from) {
      let request = await options.lookUps.find(nameInMemory(id, secret), from, () =>
        findBySecret(store, "native", id, secret),
      );
      if (request === undefined) throw noSuchRequest();
      if (stateAt(request, clock.now()) === "pending") {
        await room.wait(id, Math.min(COLLECT_WAIT, request.expiresAt - clock.now()));
        request = (await store.dischargeRequests.find(id)) ?? request;
      }
      const state = stateAt(request, clock.now());
      switch (state) {
        case "pending":
          return { state, expiresAt: request.expiresAt };
        case "granted":
          return { state, discharge: encodeBundle([desk.redeem(request, clock.now())]) };
        case "denied":
          throw new DomainError("denied", "the person who was asked said no");
        case "dropped":
          throw new DomainError("gone", "this request made room for newer ones");
        case "expired":
          throw new DomainError("gone", "nobody answered in time");
        default:
          return state satisfies never;
      }
    },

    ...createConfirmations(options),
  };
}
