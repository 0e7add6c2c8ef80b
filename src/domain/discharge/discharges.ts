import { encodeBundle } from "../../macaroon/index.ts";
import type { StrangerLookUps } from "../access/stranger-look-ups.ts";
import type { Discharges } from "../discharge-service.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import { DomainError } from "../parts/error.ts";
import { COLLECT_WAIT } from "../parts/lifetimes.ts";
import type { Actor } from "../ports/audit.ts";
import { createAsking } from "./asking.ts";
import { createConfirmations } from "./confirmations.ts";
import { denialOf, findBySecret, nameInMemory, noSuchRequest, TOKEN_REVOKED } from "./requests.ts";
import type { Withdrawals } from "./withdrawals.ts";

/** Discharges tickets over this service's own API: a discharge is asked for, confirmed by a person, collected. */
export function createDischarges(
  options: Parameters<typeof createAsking>[0] &
    Parameters<typeof createConfirmations>[0] & {
      readonly keys: DischargeKeys;
      readonly lookUps: StrangerLookUps;
      readonly withdrawals: Pick<Withdrawals, "withdraw" | "stateOf" | "endRevoked">;
    },
): Discharges {
  const { store, clock, desk, room } = options;
  const { stateOf, endRevoked } = options.withdrawals;
  return {
    publicKey: () => options.keys.publicKey(),
    ask: createAsking(options),

    async collect(id, secret, from) {
      let request = await options.lookUps.find(nameInMemory(id, secret), from, () =>
        findBySecret(store, "native", id, secret),
      );
      if (request === undefined) throw noSuchRequest();
      if (stateOf(request, clock.now()) === "pending") {
        await room.wait(id, Math.min(COLLECT_WAIT, request.expiresAt - clock.now()));
        request = (await store.dischargeRequests.find(id)) ?? request;
      }
      const state = stateOf(request, clock.now());
      switch (state) {
        case "pending":
          return { state, expiresAt: request.expiresAt };
        case "granted":
          return { state, discharge: encodeBundle([desk.redeem(request, clock.now())]) };
        case "denied":
          throw denialOf(request);
        case "withdrawn":
          throw new DomainError("gone", "this request was withdrawn");
        case "revoked":
          await endRevoked([request]);
          throw new DomainError("gone", TOKEN_REVOKED);
        case "dropped":
          throw new DomainError("gone", "this request made room for newer ones");
        case "expired":
          throw new DomainError("gone", "nobody answered in time");
        default:
          return state satisfies never;
      }
    },

    async withdraw(id, secret, from) {
      const find = () => findBySecret(store, "native", id, secret);
      if ((await options.lookUps.find(nameInMemory(id, secret), from, find)) === undefined) {
        throw noSuchRequest();
      }
      await store.transaction("withdraw request", async (repositories) => {
        const request = await repositories.dischargeRequests.lock(id);
        if (request === undefined) throw noSuchRequest();
        const now = await repositories.now();
        const state = stateOf(request, now);
        // A repeat, as after an answer that was lost.
        if (state === "withdrawn" || request.withdrawnAt !== null) return;
        if (state !== "pending" && state !== "revoked")
          throw new DomainError("conflict", `this request is over: it is ${state}`);
        const { about } = request;
        const actor: Actor =
          about === null ? { kind: "service" } : { kind: "holder", tokenId: about.tokenId };
        await options.withdrawals.withdraw(repositories, request, actor, now);
      });
      room.wake(id);
    },

    ...createConfirmations(options),
  };
}
