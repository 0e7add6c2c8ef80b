import { agentText, type Caveat, isBudget } from "../../caveats/caveat.ts";
import { clear, type Failure } from "../../caveats/clear.ts";
import type { Condition } from "../../caveats/condition.ts";
import type { CaveatReader } from "../../caveats/memo.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds, millisecondsOf } from "../../caveats/values/instant.ts";
import type { JsonObject } from "../../json/value.ts";
import type { UnverifiedCaveat, UnverifiedMacaroon } from "../../macaroon/index.ts";
import { parseIdentifier } from "../../words/identifier.ts";
import { firstRefusal } from "../../words/refusal-codes.ts";
import type { Allowed, Refused, Verdict } from "../answers.ts";
import type { Window } from "./clock.ts";
import type { Revocable } from "./revocations.ts";

/** A token with a signature that is known to be right, ready to be cleared. The parts that callers see are frozen. */
export interface KnownToken extends Revocable {
  readonly conditions: readonly Condition[];
  /** The number of conditions, from the first, that the issuer wrote. */
  readonly issued: number;
  /** The caveats as they are shown. */
  readonly texts: readonly string[];
  /** Whether each condition is understood here, and none is a budget or a `holder`: only the service counts, and checks proofs. */
  readonly isReadable: boolean;
  /** Seconds of each `time` caveat, rounded down. */
  readonly times: readonly number[];
  /** Unix milliseconds. */
  readonly expires: number;
  /** The same, as it is shown. */
  readonly expiresAt: string;
}

function isServiceOnly(caveat: Caveat): boolean {
  return isBudget(caveat) || caveat.kind === "holder" || caveat.kind === "audience";
}

/** The token that the service has answered about. */
export function askedToken(
  { identifier, unverifiedCaveats }: UnverifiedMacaroon,
  allowed: Allowed,
  readCaveat: CaveatReader,
): KnownToken {
  const root = Object.freeze({ ...allowed, principal: Object.freeze({ ...allowed.principal }) });
  const revocationIds = Object.freeze([...allowed.revocation_ids]);
  const none = {
    root,
    revocationIds: [],
    conditions: [],
    issued: parseIdentifier(identifier)?.issuedCaveats ?? 0,
    agents: [],
    texts: [],
    isReadable: true,
    times: [],
  };
  const expires = Date.parse(allowed.expires_at);
  const expiresAt = new Date(expires).toISOString();
  return narrowedToken({ ...none, expires, expiresAt }, unverifiedCaveats, revocationIds, readCaveat);
}

/** A token with further caveats, each with the revocation id of its link. */
export function narrowedToken(
  from: KnownToken,
  caveats: readonly UnverifiedCaveat[],
  revocationIds: readonly string[],
  readCaveat: CaveatReader,
): KnownToken {
  const conditions = from.conditions.slice();
  const texts = from.texts.slice();
  let { agents, times, isReadable, expires, expiresAt } = from;
  for (const { id } of caveats) {
    const condition = readCaveat(id);
    conditions.push(condition);
    if (condition.state === "third_party") continue;
    texts.push(condition.text);
    if (condition.state === "unknown" || isServiceOnly(condition.caveat)) {
      isReadable = false;
    } else if (condition.caveat.kind === "agent") {
      agents = [...agents, agentText(condition.caveat)];
    } else if (condition.caveat.kind === "time") {
      const { operator, at } = condition.caveat;
      times = [...times, at.seconds];
      const milliseconds = millisecondsOf(at);
      if (operator === "<" && milliseconds < expires) {
        expires = milliseconds;
        expiresAt = new Date(milliseconds).toISOString();
      }
    }
  }
  return {
    root: from.root,
    conditions,
    issued: from.issued,
    texts: Object.freeze(texts),
    agents: Object.freeze(agents),
    revocationIds: Object.freeze([...from.revocationIds, ...revocationIds]),
    isReadable,
    times,
    expires,
    expiresAt,
  };
}

/**
 * Whether the token can be cleared here: every caveat is understood, and each of its times means the same at every
 * reading in the window of the service's clock.
 */
export function isDecidable(token: KnownToken, window: Window): boolean {
  if (!token.isReadable) return false;
  for (const seconds of token.times) {
    if ((seconds + 1) * 1000 >= window.from && seconds * 1000 <= window.to) return false;
  }
  return true;
}

/** Clears the token, and gives the verdict that the service would give now. */
export function verdictOf(token: KnownToken, context: JsonObject, window: Window, sequence: string): Verdict {
  const now = instantFromMilliseconds(Math.floor(window.to));
  const { root, conditions, issued, agents, texts, revocationIds, expires, expiresAt } = token;
  const { failures } = clear(conditions, { now, context, macaroon: "root", issued });
  if (failures.length > 0) return refused(failures, sequence);
  return {
    allowed: true,
    token_id: root.token_id,
    key_id: root.key_id,
    platform: root.platform,
    principal: root.principal,
    issued_at: root.issued_at,
    expires_at: expiresAt,
    agents,
    caveats: texts,
    // Made when somebody reads it: it costs more than the answer.
    get summary() {
      const ends = instantFromMilliseconds(expires);
      return summarise(conditions, { now, ends, whole: true, issued });
    },
    get summary_parts() {
      return summaryParts(conditions, issued, { now, whole: true });
    },
    revocation_id: revocationIds.at(-1) ?? root.revocation_id,
    revocation_ids: revocationIds,
    budgets: [],
    sequence,
  };
}

/** @param failures at least one */
function refused(failures: readonly Failure[], sequence: string): Refused {
  const { code, detail } = firstRefusal(failures) ?? { code: "caveat_failed", detail: "" };
  return { allowed: false, code, detail, failures, undischarged: [], sequence };
}
