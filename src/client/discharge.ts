import { encodeBase64Url } from "../macaroon/index.ts";
import type { PendingDischarge } from "./answers.ts";
import { createBakehouse } from "./bakehouse.ts";
import { TokenError } from "./error.ts";
import { Token } from "./token.ts";
import type { BakehouseOptions, CallOptions } from "./transport.ts";

/** How a token's third-party caveats are discharged. */
export interface DischargeOptions extends CallOptions, Pick<BakehouseOptions, "fetch"> {
  /**
   * Origins that may be asked. A location stands in the token, where any holder may have written it: nothing is
   * ever sent to one that is not named here.
   */
  readonly allow: readonly string[];
  /** Of them, those that may see the token itself, as approvals need it. None unless said. */
  readonly showTokenTo?: readonly string[];
  /**
   * Who asks, by origin: only where a third party wants to know. Nothing is sent that is not given here: no
   * cookie, and not the credential of another service.
   */
  readonly credentials?: Readonly<Record<string, string>>;
  /**
   * Called where a human has to do something: print `user_url` and `user_code`, or open it. The waiting goes on
   * by itself.
   */
  readonly interact?: (pending: Omit<PendingDischarge, "secret">, location: string) => void | Promise<void>;
  /** Ask for discharges that serve all that descends from the token, too. True unless said. */
  readonly forDescendants?: boolean;
}

/** Discharges may have third-party caveats themselves; more than this many in all is no token of good faith. */
const MOST = 32;

/**
 * Gets every discharge that a token still needs.
 *
 * @returns the token with its discharges
 * @throws TokenError `undischarged` for a location that is not allowed, or where nobody is there to interact
 * @throws BakehouseError where a third party refuses, or cannot be asked
 */
export async function dischargeToken(token: Token, options: DischargeOptions): Promise<Token> {
  const allowed = new Set(options.allow.map((url) => new URL(url).origin));
  const seeing = new Set((options.showTokenTo ?? []).map((url) => new URL(url).origin));
  const asToken = token.withoutDischarges();
  let discharged = token;
  for (let asked = 0; ; asked++) {
    const [next] = discharged.undischarged();
    if (next === undefined) return discharged;
    if (asked === MOST) throw new TokenError("undischarged", `more than ${MOST} discharges are needed`);
    const origin = URL.canParse(next.location) ? new URL(next.location).origin : undefined;
    if (origin === undefined || !allowed.has(origin)) {
      throw new TokenError("undischarged", "a discharge is to be had at a place that is not allowed");
    }
    const credential = options.credentials?.[origin];
    const party = createBakehouse({
      url: next.location,
      ...(credential !== undefined && { credential }),
      ...(options.fetch !== undefined && { fetch: options.fetch }),
    });
    const request = {
      caveat_id: encodeBase64Url(next.ticket),
      ...(seeing.has(origin) && { token: asToken.encode() }),
      ...(options.forDescendants !== false && { ancestor: token.revocationId }),
    };
    const answer = await party.discharge(request, options);
    const text =
      answer.state === "discharged"
        ? answer.discharge
        : await collected(answer.pending, next.location, party, options);
    const discharge = Token.parse(text);
    if (!discharge.isFor(next.ticket))
      throw new TokenError("undischarged", "the discharge is for another caveat");
    discharged = discharged.withDischarges(discharge);
  }
}

async function collected(
  pending: PendingDischarge,
  location: string,
  party: ReturnType<typeof createBakehouse>,
  options: DischargeOptions,
): Promise<string> {
  const { secret, ...shown } = pending;
  if (options.interact === undefined) {
    throw new TokenError("undischarged", "a discharge needs a human, and there is no way to tell one");
  }
  if (shown.user_url !== undefined && !/^https?:\/\//.test(shown.user_url)) {
    throw new TokenError("undischarged", "the page to open is no web page");
  }
  await options.interact(shown, location);
  const end = Date.parse(pending.expires_at);
  for (;;) {
    const text = await party.collectDischarge(pending.id, secret, {
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    if (text !== undefined) return text;
    if (Date.now() > end) throw new TokenError("undischarged", "nobody has answered in time");
  }
}
