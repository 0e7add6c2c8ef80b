import type { Terms } from "../../conditions/terms.ts";
import { parseRevocationId } from "../../macaroon/index.ts";
import type { AskRequest, Discharges } from "../discharge-service.ts";
import { DomainError } from "../parts/error.ts";
import { eventualOutcome } from "../parts/gathering.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { askedCaveats, requirePossible, requireToLast } from "./asked-caveats.ts";
import { createGrantAtOnce } from "./at-once.ts";
import type { DischargeDesk } from "./desk.ts";
import { proofOf } from "./identity-proof.ts";
import type { DischargeLimits } from "./limits.ts";
import type { PresentedToken, ShownToken } from "./shown-token.ts";

/**
 * The link that the discharge is tied to; null for a discharge that has to be bound.
 *
 * People confirm the link that they are shown, and a link above it allows more. So with a token the discharge serves
 * that very link, for every condition: one without `ancestor` could be bound to any link of the tree.
 */
function ancestorOf({ ancestor }: AskRequest, shown: ShownToken | undefined): string | null {
  if (ancestor !== undefined && parseRevocationId(ancestor) === undefined) {
    throw new DomainError("invalid_request", "is not a revocation id", "ancestor");
  }
  if (shown === undefined) return ancestor ?? null;
  const own = shown.subject.revocationId;
  if (ancestor === undefined || ancestor === own) return own;
  throw new DomainError("unprocessable", "a discharge is for the very link that is shown", "ancestor");
}

function requireToken(terms: Terms, shown: ShownToken | undefined): void {
  const { kind } = terms.condition;
  if (shown !== undefined) return;
  const needy =
    kind === "is-principal" || kind === "approved-by" ? kind : terms.options.once ? "once" : undefined;
  if (needy === undefined) return;
  throw new DomainError("invalid_request", `${needy} needs the token that carries the caveat`, "token");
}

/**
 * Makes the answer to a request for a discharge: the discharge at once if the caller has proved the ticket's
 * condition, else a request that waits for people.
 *
 * @param ownIssuer the issuer of the groups in tickets
 */
export function createAsking(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly desk: DischargeDesk;
  readonly limits: DischargeLimits;
  readonly readToken: (text: string) => Promise<PresentedToken>;
  readonly ownIssuer: string;
}): Discharges["ask"] {
  const { clock, desk, limits, ownIssuer } = options;
  const grantAtOnce = createGrantAtOnce(options);

  return async (caller, from, request) => {
    const refusal = caller?.kind === "service" ? caller.refuses("discharge", caller.platform) : undefined;
    if (refusal !== undefined) throw new DomainError("forbidden", refusal);
    const { token, caveatId } = request;
    // Before the ticket is opened and the token is read, which takes far longer: a good token has an allowance of its own.
    const presented = token === undefined ? undefined : await eventualOutcome(() => options.readToken(token));
    const asker = limits.admit(caller, from, presented?.ok ? presented.value.place : undefined);
    const ticket = await desk.read(request.caveatId, request.payload);
    if (ticket.login) {
      // A discharge without the page that names the effect would prolong a login that somebody else confirmed.
      throw new DomainError(
        "ticket_invalid",
        "the ticket of a login to this API is discharged at /discharge",
      );
    }
    const { terms } = ticket;
    if (presented?.ok === false) throw presented.error;
    const shown = await presented?.value.read(caveatId);
    requireToken(terms, shown);
    const caveats = askedCaveats(request.caveats, terms.options);
    requireToLast(caveats, clock.now());
    requirePossible(caveats, shown?.conditions ?? []);
    const ancestor = ancestorOf(request, shown);
    // A program's login stands for no person who is here: what one must confirm, they confirm on its page.
    const present = caller?.kind === "human" && caller.program === undefined ? caller : undefined;
    if (present !== undefined && terms.condition.kind !== "approved-by") {
      const facts = { principal: shown?.subject.principal, ownIssuer, now: clock.now() };
      const proved = proofOf(terms, present.identity, facts);
      if (proved.outcome === "refused") throw new DomainError("denied", proved.detail);
      if (proved.outcome === "proven") {
        return {
          state: "granted",
          discharge: await grantAtOnce({ caller: present, asker, ticket, ancestor, shown, caveats }),
        };
      }
    }
    const waiting = await desk.enqueue({
      ticket,
      protocol: "native",
      caller,
      asker,
      shown,
      ancestor,
      caveats,
    });
    return { state: "pending", ...waiting };
  };
}
