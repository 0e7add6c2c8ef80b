import { agentText, isOnAttribute } from "../caveats/caveat.ts";
import { placeOf } from "../caveats/clear.ts";
import { type Condition, compileCaveat, shownCaveat, thirdParty } from "../caveats/condition.ts";
import { earliestExpiry } from "../caveats/expiry.ts";
import { forbids } from "../caveats/forbids.ts";
import { contradictions } from "../caveats/together/contradictions.ts";
import { doubts } from "../caveats/together/doubts.ts";
import { summarise } from "../caveats/together/summary.ts";
import { type Instant, instantFromMilliseconds } from "../caveats/values/instant.ts";
import { newWork } from "../caveats/values/work.ts";
import { encodeBase64Url, type Format, revocationId, type UnverifiedMacaroon } from "../macaroon/index.ts";
import type { Place } from "../words/states.ts";
import { readIdentifier, type TokenIdentifier } from "./identifier.ts";

/** One caveat as it can be shown. */
export interface InspectedCaveat {
  /** The text in the token, unsafe characters escaped; of a third-party caveat, the location that discharges it. */
  readonly text: string;
  readonly kind: "first-party" | "third-party" | "unknown";
  /** The caveat in words. */
  readonly sentence: string;
  /** The last agent named before it; null before the first. A claim. */
  readonly agent: string | null;
  /** Where it stands; null in a macaroon that is none of Bakehouse's. */
  readonly placed: Place | null;
  /** Of a third-party caveat: the ticket, base64url. */
  readonly ticket?: string;
}

/** A token's own words about itself. Nothing of it is verified: the token's maker may have written all of it. */
export interface Inspection {
  readonly format: Format;
  /** Undefined for a macaroon that is none of Bakehouse's. */
  readonly identifier: TokenIdentifier | undefined;
  readonly location: string | undefined;
  readonly caveats: readonly InspectedCaveat[];
  /** Names that delegators gave, from the root on. */
  readonly agents: readonly string[];
  /** The earliest `time <` of the token and its discharges; undefined if there is none. */
  readonly expiresAt: Date | undefined;
  readonly isExpired: boolean;
  /** The token's permissions, in a sentence. */
  readonly summary: string;
  /** Caveats that can never pass together, and those that were probably not meant as they are written. */
  readonly warnings: readonly string[];
  /** Names the token and all that descends from it. Those of the links above can't be known from below. */
  readonly revocationId: string;
  readonly discharges: readonly {
    readonly ticket: string;
    readonly caveats: readonly string[];
    readonly revocationId: string;
  }[];
  /** Third-party caveats that no discharge came with. */
  readonly undischarged: readonly { readonly location: string; readonly ticket: string }[];
  /** Characters of the token in a header. */
  readonly size: number;
}

function warningsOf(conditions: readonly Condition[]): readonly string[] {
  return [...contradictions(conditions).map(({ detail }) => detail), ...doubts(conditions)];
}

/** Caveats that can never pass together, and those that were probably not meant as they are written. */
export function caveatWarnings(caveats: readonly string[]): readonly string[] {
  return warningsOf(caveats.map((text) => compileCaveat(text)));
}

/** Reads a macaroon's caveats. */
function conditionsOf(macaroon: UnverifiedMacaroon): readonly Condition[] {
  return macaroon.unverifiedCaveats.map(({ id, verificationId, location }) =>
    verificationId === undefined ? compileCaveat(id) : thirdParty(location ?? ""),
  );
}

/** Third-party caveats, of the root macaroon and of its discharges, that nothing in the bundle discharges. */
export function undischargedIn(
  macaroons: readonly UnverifiedMacaroon[],
): readonly { readonly location: string; readonly ticket: Uint8Array }[] {
  const [, ...discharges] = macaroons;
  // As many discharges of one ticket as there are: each serves one caveat.
  const served = new Map<string, number>();
  for (const { identifier } of discharges) {
    const key = encodeBase64Url(identifier);
    served.set(key, (served.get(key) ?? 0) + 1);
  }
  return macaroons.flatMap(({ unverifiedCaveats }) =>
    unverifiedCaveats.flatMap(({ id, verificationId, location }) => {
      if (verificationId === undefined) return [];
      const key = encodeBase64Url(id);
      const left = served.get(key) ?? 0;
      if (left > 0) {
        served.set(key, left - 1);
        return [];
      }
      return [{ location: location ?? "", ticket: id }];
    }),
  );
}

/** Those of some scopes that no caveat on `scope` forbids, in the root macaroon and in its discharges. */
export function scopesAmong(
  macaroons: readonly UnverifiedMacaroon[],
  scopes: readonly string[],
): readonly string[] {
  const conditions = macaroons.flatMap(conditionsOf);
  // One allowance for all of it, as where it is cleared: many scopes and long caveats are no more work than that.
  const work = newWork();
  return scopes.filter((scope) =>
    conditions.every((condition) => {
      if (condition.state !== "known") return true;
      const { caveat } = condition;
      if (!isOnAttribute(caveat) || caveat.attribute !== "scope") return true;
      return forbids(caveat, new Map([["scope", scope]]), work, condition.prepared) === undefined;
    }),
  );
}

/** Whether an `aud` among the caveats that the issuer wrote names a resource. */
export function isIssuedFor(root: UnverifiedMacaroon, resource: string): boolean {
  const issued = readIdentifier(root.identifier)?.issuedCaveats ?? 0;
  return conditionsOf(root)
    .slice(0, issued)
    .some(
      (condition) =>
        condition.state === "known" &&
        condition.caveat.kind === "audience" &&
        condition.caveat.resources.includes(resource),
    );
}

/** @param now unix milliseconds */
export function inspectBundle(
  macaroons: readonly [UnverifiedMacaroon, ...UnverifiedMacaroon[]],
  format: Format,
  size: number,
  now: number,
): Inspection {
  const [root, ...discharges] = macaroons;
  const clock = instantFromMilliseconds(now);
  const conditions = conditionsOf(root);
  const chains = [conditions, ...discharges.map(conditionsOf)];
  // As verify counts it: a bundle is good for as long as all of it is.
  const expiry = Math.min(...chains.map((chain) => earliestExpiry(chain, Number.POSITIVE_INFINITY)));
  const identifier = readIdentifier(root.identifier);
  let agent: string | null = null;
  const agents: string[] = [];
  const caveats = conditions.map((condition, index): InspectedCaveat => {
    if (condition.state === "known" && condition.caveat.kind === "agent") {
      agent = agentText(condition.caveat);
      agents.push(agent);
    }
    const ticket = root.unverifiedCaveats[index]?.id;
    return {
      text: condition.state === "third_party" ? shownCaveat(condition.location) : shownCaveat(condition.text),
      kind: KINDS[condition.state],
      sentence: sentenceOf(condition, clock, index < (identifier?.issuedCaveats ?? 0)),
      agent,
      placed: identifier === undefined ? null : placeOf(index, identifier.issuedCaveats, agent),
      ...(condition.state === "third_party" && ticket !== undefined && { ticket: encodeBase64Url(ticket) }),
    };
  });
  return {
    format,
    identifier,
    location: root.location === undefined ? undefined : shownCaveat(root.location),
    caveats,
    agents,
    expiresAt: Number.isFinite(expiry) ? new Date(expiry) : undefined,
    isExpired: expiry <= now,
    summary: summarise(conditions, {
      now: clock,
      whole: true,
      issued: identifier?.issuedCaveats ?? 0,
      ...(Number.isFinite(expiry) && { ends: instantFromMilliseconds(expiry) }),
    }),
    warnings: warningsOf(conditions),
    revocationId: revocationId(root.signature).text,
    discharges: discharges.map((discharge) => ({
      ticket: encodeBase64Url(discharge.identifier),
      caveats: conditionsOf(discharge).map((condition) =>
        shownCaveat(condition.state === "third_party" ? condition.location : condition.text),
      ),
      revocationId: revocationId(discharge.signature).text,
    })),
    undischarged: undischargedIn(macaroons).map(({ location, ticket }) => ({
      location: shownCaveat(location),
      ticket: encodeBase64Url(ticket),
    })),
    size,
  };
}

const KINDS = { known: "first-party", unknown: "unknown", third_party: "third-party" } as const;

function sentenceOf(condition: Condition, now: Instant, isIssued: boolean): string {
  if (condition.state === "unknown") return "Not a condition that is known here: it forbids everything.";
  if (condition.state === "known" && condition.caveat.kind === "agent") {
    return `Handed on to ${agentText(condition.caveat)}.`;
  }
  return summarise([condition], { now, issued: isIssued ? 1 : 0 });
}
