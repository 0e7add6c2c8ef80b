import { encode } from "../../macaroon/index.ts";
import type { StrangerLookUps } from "../access/stranger-look-ups.ts";
import type { Bakery } from "../discharge-service.ts";
import { DomainError } from "../parts/error.ts";
import { BAKERY_WAIT } from "../parts/lifetimes.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeRequest } from "../ports/discharge-requests.ts";
import type { Store } from "../ports/store.ts";
import type { BakeryLogins } from "./bakery-login.ts";
import type { DischargeDesk, ReadTicket } from "./desk.ts";
import { type DischargeLimits, placeOfStranger } from "./limits.ts";
import { denialOf, findBySecret, nameInMemory, noSuchRequest } from "./requests.ts";
import type { WaitingRoom } from "./waiting-room.ts";
import type { Withdrawals } from "./withdrawals.ts";

const TICKET = /^([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/;

function denied(reason: string): DomainError {
  return new DomainError("denied", reason);
}

/**
 * Discharging by macaroon-bakery's protocol (`httpbakery`), for its stock clients.
 *
 * Such a client can show no token. So conditions that depend on a token are refused here: `is-principal`, and a
 * group's approval for which the token's principal must not count.
 */
export function createBakery(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly desk: DischargeDesk;
  readonly limits: DischargeLimits;
  readonly room: WaitingRoom;
  readonly logins: BakeryLogins;
  readonly lookUps: StrangerLookUps;
  readonly withdrawals: Pick<Withdrawals, "stateOf">;
  /** How long a client that comes back waits at a time, milliseconds; for tests. */
  readonly waitMilliseconds?: number | undefined;
}): Bakery {
  const { store, clock, desk, limits, room, logins } = options;

  function requireServable({ terms }: ReadTicket): void {
    const { condition } = terms;
    if (terms.options.once) throw denied("once needs the token, which this protocol can't show");
    if (terms.options.exact) throw denied("the ticket is exact, and this protocol can't say what it is for");
    if (condition.kind === "is-principal")
      throw denied("is-principal needs the token, which this protocol can't show");
    if (condition.kind === "approved-by" && condition.groups.length > 0 && !terms.options.principalCounts) {
      throw denied(
        "a group approves only where the token is shown, or where the ticket says principal=counts",
      );
    }
  }

  /** @param from the address that a look-up is counted for; undefined if it is counted already */
  async function find(text: string, from: string | undefined): Promise<DischargeRequest> {
    const [, id, secret] = TICKET.exec(text) ?? [];
    if (id === undefined || secret === undefined) throw noSuchRequest();
    const load = () => findBySecret(store, "bakery", id, secret);
    const request = await (from === undefined
      ? load()
      : options.lookUps.find(nameInMemory(id, secret), from, load));
    if (request === undefined) throw noSuchRequest();
    return request;
  }

  function requireGranted(request: DischargeRequest): void {
    const state = options.withdrawals.stateOf(request, clock.now());
    if (state === "granted") return;
    throw state === "denied" ? denialOf(request) : denied(`this request is ${state}`);
  }

  async function redeem(ticket: ReadTicket, token: Uint8Array): Promise<string> {
    const request = await find(new TextDecoder().decode(token), undefined);
    requireGranted(request);
    // A person agreed to one ticket, and to no other.
    if (!Buffer.from(request.ticketHash).equals(ticket.hash)) throw denied("the token is for another ticket");
    return encode(desk.redeem(request, clock.now()), "v2-json");
  }

  return {
    async discharge(from, { caveatId, payload, token }) {
      const { hash } = limits.admit(undefined, from);
      const ticket = await desk.read(caveatId, payload);
      if (token !== undefined) return { state: "granted", macaroon: await redeem(ticket, token) };
      requireServable(ticket);
      const { id, secret, code, path } = await desk.enqueue({
        ticket,
        protocol: "bakery",
        caller: undefined,
        asker: { hash, place: placeOfStranger(from) },
        shown: undefined,
        ancestor: null,
        caveats: [],
      });
      return { state: "pending", path, code, ticket: `${id}.${secret}` };
    },

    async wait(text, comesBack, from) {
      let request = await find(text, from);
      const until = clock.monotonic() + (options.waitMilliseconds ?? BAKERY_WAIT);
      while (options.withdrawals.stateOf(request, clock.now()) === "pending") {
        const left = comesBack ? until - clock.monotonic() : Number.POSITIVE_INFINITY;
        if (left <= 0 || room.isClosed) return undefined;
        if (!(await room.wait(request.id, Math.max(1, Math.min(left, request.expiresAt - clock.now()))))) {
          throw new DomainError("unavailable", "too many clients wait already");
        }
        request = await find(text, undefined);
      }
      requireGranted(request);
      return new TextEncoder().encode(text);
    },

    challenge: () => logins.challenge(),
    caller: (bundle) => logins.caller(bundle),
  };
}
