import { encodeBase64Url, LIMITS } from "../macaroon/index.ts";
import type { PendingDischarge } from "./answers.ts";
import { type Bakehouse, createBakehouse } from "./bakehouse.ts";
import { checkedCaveat } from "./caveats.ts";
import { BakehouseError, TokenError } from "./error.ts";
import { originOf, pageOf } from "./origin.ts";
import {
  aFunction,
  aList,
  aNumber,
  anObject,
  aTruth,
  type Checks,
  checkOptions,
  ifSaid,
  isText,
} from "./shape.ts";
import { Token } from "./token.ts";
import { type BakehouseOptions, type CallOptions, pause } from "./transport.ts";

/** How a token's third-party caveats are discharged. */
export interface DischargeOptions
  extends Pick<CallOptions, "signal" | "timeout">,
    Pick<BakehouseOptions, "fetch" | "insecureHttp"> {
  /**
   * Origins that may be asked. Any holder may have written a location into the token, so nothing is ever sent to an
   * origin that is not named here, and at a named one only this API's own paths are called.
   */
  readonly allow: readonly string[];
  /** Of them, those that may see the token itself, as approvals need it. None unless said. */
  readonly showTokenTo?: readonly string[];
  /**
   * Credentials, by origin, for third parties that ask for one. No other credential is ever sent: no cookie, and not
   * the credential of another service.
   */
  readonly credentials?: Readonly<Record<string, string>>;
  /**
   * Called if a human has to do something: print `user_url` and `user_code`, or open it. The waiting goes on
   * by itself. The second argument is the origin that was asked; `user_url` may lead elsewhere.
   */
  readonly interact?: (pending: Omit<PendingDischarge, "secret">, origin: string) => void | Promise<void>;
  /**
   * Ask for discharges that serve all that descends from the token, too. True unless said. A discharge for which the
   * token is shown does so in any case, where Bakehouse makes it.
   */
  readonly forDescendants?: boolean;
  /**
   * Caveats that narrow each discharge: the person who has to agree is shown them, and agrees to nothing else.
   * {@link forThisCall} makes those of one call. A token that needs no discharge is refused with them: nothing would hold
   * it to them.
   */
  readonly caveats?: readonly string[];
}

const ORIGINS = '["https://approvals.example"]';
const isOrigin = (url: unknown) => isText(url) && URL.canParse(url);

const OPTIONS: Checks<DischargeOptions> = {
  allow: aList(ORIGINS, isOrigin),
  showTokenTo: ifSaid(aList(ORIGINS, isOrigin)),
  credentials: ifSaid(anObject('{ "https://approvals.example": credential }')),
  interact: ifSaid(aFunction("({ user_url }) => console.error(user_url)")),
  forDescendants: ifSaid(aTruth),
  // Undefined would be a yes to everything that the token allows.
  caveats: aList('["args.amount = 40"], or left out', isText),
  fetch: ifSaid(aFunction()),
  insecureHttp: ifSaid(aTruth),
  signal: ifSaid(anObject("AbortSignal.timeout(60_000)")),
  timeout: ifSaid(aNumber("10_000, in milliseconds")),
};

/** Milliseconds between two questions to a service that does not hold them until there is an answer. */
const LONGEST_PAUSE = 2_000;

/** Milliseconds for saying that nobody waits any more. */
const LAST_WORD = 2_000;

/** Milliseconds that a human may take, even if a third party allows more. */
const LONGEST_WAIT = 24 * 60 * 60_000;

/**
 * Gets every discharge that a token still needs.
 *
 * @returns the token with its discharges
 * @throws TokenError `invalid_caveat` for a caveat that nobody can read; `undischarged` for a location that is not allowed,
 *   for a human's act without `interact`, and for `caveats` if no discharge is needed
 * @throws TypeError for anything but a {@link Token}, and for options of the wrong shape
 * @throws BakehouseError if a third party refuses, or cannot be asked
 */
export async function dischargeToken(token: Token, options: DischargeOptions): Promise<Token> {
  if (!(token instanceof Token)) throw new TypeError("dischargeToken takes a Token: Token.parse(text)");
  checkOptions("dischargeToken", options, OPTIONS, `{ allow: ${ORIGINS} }`);
  if (!Object.hasOwn(options, "allow")) {
    throw new TypeError(
      `dischargeToken: allow is missing: name the places that may be asked, such as ${ORIGINS}`,
    );
  }
  const allowed = new Set(options.allow.map((url) => new URL(url).origin));
  const seeing = new Set((options.showTokenTo ?? []).map((url) => new URL(url).origin));
  const asToken = token.withoutDischarges();
  const caveats = (options.caveats ?? []).map(checkedCaveat);
  if (caveats.length > 0 && token.undischarged().length === 0) {
    throw new TokenError(
      "undischarged",
      "the token needs no discharge, so nobody is asked, and the caveats would hold nobody: narrow the token itself by attenuate(...caveats)",
    );
  }
  const { signal, timeout } = options;
  const callOptions = { ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) };
  let discharged = token;
  for (let asked = 0; ; asked++) {
    const [next] = discharged.undischarged();
    if (next === undefined) return discharged;
    if (asked === LIMITS.discharges)
      throw new TokenError("undischarged", `more than ${LIMITS.discharges} discharges are needed`);
    const origin = originOf(next.location);
    if (origin === undefined || !allowed.has(origin)) {
      throw new TokenError("undischarged", `a discharge is to be had at ${placeOf(origin)}`);
    }
    const credential = options.credentials?.[origin];
    const party = createBakehouse({
      url: origin,
      ...(credential !== undefined && { credential }),
      ...(options.fetch !== undefined && { fetch: options.fetch }),
      ...(options.insecureHttp === true && { insecureHttp: true }),
    });
    const request = {
      caveat_id: encodeBase64Url(next.ticket),
      ...(seeing.has(origin) && { token: asToken.encode() }),
      ...(options.forDescendants !== false && { ancestor: token.revocationId }),
      ...(caveats.length > 0 && { caveats }),
    };
    const answer = await party.discharge(request, callOptions);
    const text =
      answer.state === "discharged"
        ? answer.discharge
        : await collected(answer.pending, origin, party, options);
    const discharge = Token.parse(text);
    if (!discharge.isFor(next.ticket))
      throw new TokenError("undischarged", "the discharge is for another caveat");
    discharged = discharged.withDischarges(discharge);
  }
}

/** Of a location, which any holder may have written, an origin alone is repeated: it has no secret and no odd letter. */
function placeOf(origin: string | undefined): string {
  return origin === undefined
    ? "a place that is no origin, such as https://approvals.example, so nobody can be asked there"
    : `${origin}, which allow does not name: name it there if you trust it`;
}

async function collected(
  pending: PendingDischarge,
  origin: string,
  party: Bakehouse,
  options: DischargeOptions,
): Promise<string> {
  const { secret, user_url, ...shown } = pending;
  try {
    if (options.interact === undefined) {
      throw new TokenError(
        "undischarged",
        "a discharge needs a human, and there is no way to tell one: interact shows them a page, such as ({ user_url, user_code }) => console.error(user_url, user_code)",
      );
    }
    const page = user_url === undefined ? undefined : pageOf(user_url, origin);
    if (user_url !== undefined && page === undefined) {
      throw new TokenError("undischarged", "the page to open is no safe web page");
    }
    await options.interact({ ...shown, ...(page !== undefined && { user_url: page }) }, origin);
    return await waited(pending, party, options);
  } catch (error) {
    // Nobody is there any more to collect it, so nobody should be asked. Whether that was heard changes nothing here. With a
    // BakehouseError the party has spoken, or can't be reached.
    if (!(error instanceof BakehouseError)) {
      await party.withdrawDischarge(pending.id, secret, { timeout: LAST_WORD }).catch(() => {});
    }
    throw error;
  }
}

async function waited(
  pending: PendingDischarge,
  party: Bakehouse,
  options: DischargeOptions,
): Promise<string> {
  const { id, secret } = pending;
  const end = Math.min(Date.parse(pending.expires_at), Date.now() + LONGEST_WAIT);
  for (let rounds = 0; ; rounds++) {
    const asked = Date.now();
    const text = await party.collectDischarge(id, secret, {
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    if (text !== undefined) return text;
    if (Date.now() > end) throw new TokenError("undischarged", "nobody has answered in time");
    // A service that answers at once that there is no answer must not be asked in a tight loop.
    const least = Math.min(LONGEST_PAUSE, 20 * 2 ** Math.min(rounds, 10));
    await pause(Math.max(0, least - (Date.now() - asked)), options.signal);
  }
}
