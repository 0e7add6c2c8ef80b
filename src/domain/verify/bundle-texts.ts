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
  summary: (Summary & { readonly day: number }) | undefined;
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

/** Milliseconds. */
const DAY = 86_400_000;

/**
 * A sentence for people on an allowed token. It changes with the day only: it leaves out the date of an expiry that is
 * today.
 *
 * @param now unix milliseconds, before the token's end
 */
export function summaryOf({ texts, conditions, identifier }: Told, now: number): Summary {
  const day = Math.floor(now / DAY);
  if (texts.summary?.day !== day) {
    texts.summary = { day, ...summaryWith(conditions, identifier.issuedCaveats, now) };
  }
  return texts.summary;
}

/**
 * The same, with what is left of the root macaroon's budgets: it differs each time.
 *
 * @param left by the place of the condition
 */
export function summaryWithBudgets(
  { conditions, identifier }: Told,
  now: number,
  left: ReadonlyMap<number, string>,
): Summary {
  const told = conditions.map((condition, index) => {
    const rest = left.get(index);
    return rest === undefined || condition.state !== "known" ? condition : { ...condition, left: rest };
  });
  return summaryWith(told, identifier.issuedCaveats, now);
}

function summaryWith(conditions: readonly Condition[], issued: number, now: number): Summary {
  const options = { now: instantFromMilliseconds(now) };
  return { text: summarise(conditions, options), parts: summaryParts(conditions, issued, options) };
}
