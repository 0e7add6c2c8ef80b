import type { SummaryPart } from "../../caveats/together/summary-parts.ts";
import type { PrincipalKind } from "../ports/principals.ts";

/**
 * Stands between the kind and the issuer. No request and no token can name it: wherever either names an issuer or a subject,
 * control characters are refused.
 */
const MARK = "\u001f";
const WORKLOAD = `workload${MARK}`;

/**
 * The name of an issuer as it vouches for principals of a kind, which is its `issuer` everywhere inside.
 *
 * The kind is part of a principal's identity, and is asked for wherever two are compared: in the log of revocations, in
 * scopes, in records. As a part of the issuer's name nothing can forget it. An issuer of people is called by its own name.
 *
 * @param issuer as the issuer calls itself
 */
export function voucherOf(kind: PrincipalKind, issuer: string): string {
  return kind === "workload" ? WORKLOAD + issuer : issuer;
}

/** Takes a name of {@link voucherOf} apart, for whoever is shown it. */
export function readVoucher(voucher: string): { readonly kind: PrincipalKind; readonly issuer: string } {
  return voucher.startsWith(WORKLOAD)
    ? { kind: "workload", issuer: voucher.slice(WORKLOAD.length) }
    : { kind: "person", issuer: voucher };
}

/** The issuer for readers outside, and beside it the kind of all but people. @param voucher as {@link voucherOf} makes it */
export function shownIssuer(voucher: string): { readonly issuer: string; readonly kind?: "workload" } {
  const { kind, issuer } = readVoucher(voucher);
  return kind === "workload" ? { issuer, kind } : { issuer };
}

/** Whether a principal under this name is a workload. */
export function isWorkload(voucher: string): boolean {
  return voucher.startsWith(WORKLOAD);
}

/** A summary for people, whole and told apart by origin. */
export interface ToldSummary {
  readonly text: string;
  readonly parts: readonly SummaryPart[];
}

const NO_PERSON = "Issued to a workload, and to no person.";

/** Says in a token's summary whom it was issued to, where that is no person. @param voucher of its principal */
export function tellKind(summary: ToldSummary, voucher: string): ToldSummary {
  if (!isWorkload(voucher)) return summary;
  return {
    text: `${summary.text} ${NO_PERSON}`,
    parts: [...summary.parts, { by: "issued", text: NO_PERSON }],
  };
}
