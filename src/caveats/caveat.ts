import type { Block } from "./values/address.ts";
import type { Decimal } from "./values/decimal.ts";
import type { Instant } from "./values/instant.ts";

/** The operators of the grammar. */
export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "matches" | "within";

/** `=` or `!=` against one text. */
export interface EqualityCaveat {
  readonly kind: "equality";
  /** The dotted path into the context, exactly as written. */
  readonly attribute: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** `in` or `not in` a list of texts. */
export interface MembershipCaveat {
  readonly kind: "membership";
  readonly attribute: string;
  readonly operator: "in" | "not in";
  /** Never empty, and no item is empty. */
  readonly items: readonly string[];
}

/** An order between the context's value and a decimal or an instant. */
export interface ComparisonCaveat {
  readonly kind: "comparison";
  readonly attribute: string;
  readonly operator: "<" | "<=" | ">" | ">=";
  readonly bound: Decimal | Instant;
}

/** `matches` a glob. */
export interface GlobCaveat {
  readonly kind: "glob";
  readonly attribute: string;
  readonly pattern: string;
}

/** `within` one of several blocks of addresses. */
export interface NetworkCaveat {
  readonly kind: "network";
  readonly attribute: string;
  /** Never empty; host bits are zero, and an IPv4-mapped block is an IPv4 block. */
  readonly blocks: readonly Block[];
}

/** A caveat on an attribute that the platform puts into the context. */
export type AttributeCaveat =
  | EqualityCaveat
  | MembershipCaveat
  | ComparisonCaveat
  | GlobCaveat
  | NetworkCaveat;

/** `when A = v then T` or `when A in … then T`: `A != v` or T, exactly as those two clear. */
export interface ConditionalCaveat {
  readonly kind: "conditional";
  /** The opposite of the test behind `when`: a call that satisfies it is not limited. */
  readonly unless: DenialCaveat;
  /** The test that all other calls have to satisfy, those without the attribute of `unless` among them. */
  readonly test: AttributeCaveat;
}

/** `!=` or `not in`. */
export type DenialCaveat =
  | (EqualityCaveat & { readonly operator: "!=" })
  | (MembershipCaveat & { readonly operator: "not in" });

/** Whether every call has to pass a caveat that is a test of one attribute. A conditional one limits some calls alone. */
export function isOnAttribute(caveat: Caveat): caveat is AttributeCaveat {
  return "attribute" in caveat;
}

/** `time < T` or `time > T`, against the service's clock. */
export interface TimeCaveat {
  readonly kind: "time";
  readonly operator: "<" | ">";
  readonly at: Instant;
}

/** `agent = NAME` or `agent = NAME#INSTANCE`: names the next holder. A claim, never a fact. */
export interface AgentCaveat {
  readonly kind: "agent";
  readonly name: string;
  readonly instance: string | undefined;
}

/** `depth <= N`: at most N `agent` caveats may follow. */
export interface DepthCaveat {
  readonly kind: "depth";
  readonly most: number;
}

/** `uses <= N`: at most N allowed verifications at or below its link. */
export interface UsesCaveat {
  readonly kind: "uses";
  readonly most: number;
}

/** `spend.UNIT <= X`: what allowed verifications at or below its link cost stays within X. */
export interface SpendCaveat {
  readonly kind: "spend";
  readonly unit: string;
  /** At least 0. */
  readonly most: Decimal;
}

/** A window of a `rate`: a second, a minute, an hour or a day. */
export type RateWindow = "s" | "m" | "h" | "d";

/** `rate <= N/WINDOW`: at most N allowed verifications at or below its link in any window. */
export interface RateCaveat {
  readonly kind: "rate";
  readonly most: number;
  readonly window: RateWindow;
}

/** A caveat that is a counter under its link. Clearing can't tell whether it holds: the calls are counted elsewhere. */
export type BudgetCaveat = UsesCaveat | SpendCaveat | RateCaveat;

/** Whether a caveat is a budget. */
export function isBudget(caveat: Caveat): caveat is BudgetCaveat {
  return caveat.kind === "uses" || caveat.kind === "spend" || caveat.kind === "rate";
}

/** `holder = THUMBPRINT`: a key that must vouch for the call. Clearing can't tell whether it does. */
export interface HolderCaveat {
  readonly kind: "holder";
  /** Of the key, as RFC 7638 makes it with SHA-256. */
  readonly thumbprint: string;
}

/** `aud = URI` or `aud in URI, URI`: the resource that asks has to be one of them. */
export interface AudienceCaveat {
  readonly kind: "audience";
  readonly operator: "=" | "in";
  /** Never empty; one for `=`. */
  readonly resources: readonly string[];
}

/**
 * `client = ID`: the OAuth client that a token was issued to. It is a fact among the issued caveats of a root macaroon, where the
 * token endpoint alone writes it; anywhere else it forbids every request.
 */
export interface ClientCaveat {
  readonly kind: "client";
  readonly id: string;
}

/** `ancestor = REVOCATION-ID`: ties a discharge to a link of the root macaroon's chain. */
export interface AncestorCaveat {
  readonly kind: "ancestor";
  readonly revocationId: string;
}

/** `approval = ID`: names the approval that granted a discharge. */
export interface ApprovalCaveat {
  readonly kind: "approval";
  readonly id: string;
}

/** `bh.discharge = ID`: makes a discharge a link of its own. It always clears there. */
export interface DischargeIdCaveat {
  readonly kind: "discharge_id";
  readonly id: string;
}

/** A caveat that has a meaning in a discharge alone. In a root macaroon it forbids every request. */
export type DischargeCaveat = AncestorCaveat | ApprovalCaveat | DischargeIdCaveat;

/** Whether a caveat may stand in discharges alone. */
export function isForDischarges(caveat: Caveat): caveat is DischargeCaveat {
  return caveat.kind === "ancestor" || caveat.kind === "approval" || caveat.kind === "discharge_id";
}

/** A caveat on an attribute that belongs to the service. */
export type ServiceCaveat =
  | TimeCaveat
  | AgentCaveat
  | DepthCaveat
  | BudgetCaveat
  | HolderCaveat
  | AudienceCaveat
  | ClientCaveat
  | DischargeCaveat;

/**
 * Any first-party caveat that this version understands. Closed: a new variant must break the build
 * of everything that clears caveats, and a text that does not parse into it forbids the request.
 */
export type Caveat = AttributeCaveat | ConditionalCaveat | ServiceCaveat;

/** The values for which a conditional caveat sets a limit. */
export function limitedValues({ unless }: ConditionalCaveat): readonly string[] {
  return unless.kind === "equality" ? [unless.value] : unless.items;
}

/** The text by which an agent is traced: its name, with `#` and its instance if it has one. */
export function agentText(caveat: AgentCaveat): string {
  return caveat.instance === undefined ? caveat.name : `${caveat.name}#${caveat.instance}`;
}
