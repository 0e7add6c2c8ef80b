import { type Condition, shownCaveat, thirdPartyText } from "../../caveats/condition.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { type SummaryPart, summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import type { VerifiedMacaroon } from "../../macaroon/index.ts";

/**
 * The texts that answers repeat of a bundle. The first answer that says a text makes it, and later answers share it:
 * the writer of JSON sees by identity that it has not changed.
 */
export interface BundleTexts {
  caveats: readonly string[] | undefined;
  links: readonly string[] | undefined;
  summary: Summary | undefined;
}

/** What a token allows, in sentences, whole and told apart by origin. */
export interface Summary {
  readonly text: string;
  readonly parts: readonly SummaryPart[];
}

/** A bundle with its texts. */
interface Told {
  readonly macaroon: VerifiedMacaroon;
  readonly conditions: readonly Condition[];
  readonly identifier: { readonly issuedCaveats: number };
  /** When the token, or a discharge that it needs, ends; unix milliseconds. */
  readonly endsAt: number;
  readonly texts: BundleTexts;
}

/** Texts of which none has been made. */
export function newTexts(): BundleTexts {
  return { caveats: undefined, links: undefined, summary: undefined };
}

/** The root macaroon's caveats, as answers show them. */
export function caveatsOf({ texts, conditions }: Told): readonly string[] {
  texts.caveats ??= conditions.map((condition) =>
    condition.state === "third_party" ? thirdPartyText(shownCaveat(condition.location)) : condition.text,
  );
  return texts.caveats;
}

/** The revocation ids of the root macaroon's links, base64url, from the root to the presented link. */
export function linksOf({ texts, macaroon }: Told): readonly string[] {
  texts.links ??= macaroon.revocationIds.map(({ text }) => text);
  return texts.links;
}

/**
 * A sentence for people on an allowed token.
 *
 * @param now unix milliseconds, before the token's end
 */
export function summaryOf(told: Told, now: number): Summary {
  told.texts.summary ??= summaryWith(told, told.conditions, now);
  return told.texts.summary;
}

/**
 * The same, with what is left of the root macaroon's budgets: it differs each time.
 *
 * @param left by the place of the condition
 */
export function summaryWithBudgets(told: Told, now: number, left: ReadonlyMap<number, string>): Summary {
  const conditions = told.conditions.map((condition, index) => {
    const rest = left.get(index);
    return rest === undefined || condition.state !== "known" ? condition : { ...condition, left: rest };
  });
  return summaryWith(told, conditions, now);
}

function summaryWith({ identifier, endsAt }: Told, conditions: readonly Condition[], now: number): Summary {
  const options = { now: instantFromMilliseconds(now), whole: true, issued: identifier.issuedCaveats };
  const ends = instantFromMilliseconds(endsAt);
  return {
    text: summarise(conditions, { ...options, ends }),
    parts: summaryParts(conditions, identifier.issuedCaveats, options),
  };
}
