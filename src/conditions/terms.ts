/** The condition of a third-party caveat, to which somebody else has to agree, as this service knows it. */
export type Condition =
  | { readonly kind: "is-authenticated-user" }
  | { readonly kind: "is-principal" }
  | { readonly kind: "is-member-of"; readonly groups: readonly string[] }
  | ApprovalCondition;

/** `approved-by`: people say yes to a text. */
export interface ApprovalCondition {
  readonly kind: "approved-by";
  /** How many different people have to approve. */
  readonly needed: number;
  readonly subjects: readonly string[];
  readonly groups: readonly string[];
  /** The request in the ticket writer's own words. Nobody has vouched for it. */
  readonly text: string;
}

/** The options that the ticket's writer set besides the condition. All are undefined or false if none was set. */
export interface TermOptions {
  /** `life`: seconds that the discharge lives. */
  readonly life: number | undefined;
  /** `auth-age`: the most seconds since the person last proved their identity. */
  readonly authAge: number | undefined;
  /** `acr`: the authentication context classes of which the login must have one (OpenID Connect Core §2). */
  readonly acr: readonly string[] | undefined;
  /** `principal=counts`: the token's principal may approve as a member of a group. */
  readonly principalCounts: boolean;
  /** `once`: one use of the discharge, and one live discharge at a time for the ticket and the link that asks. */
  readonly once: boolean;
  /** `exact`: whoever asks has to say by caveats what the discharge is for. */
  readonly exact: boolean;
}

/** A ticket's text, read. */
export interface Terms {
  readonly options: TermOptions;
  /** The attributes that macaroon-bakery's `need-declared` wrapper asks the discharge to declare; empty without it. */
  readonly declared: readonly string[];
  readonly condition: Condition;
}

/** The longest life of a discharge, seconds. */
export const MAX_LIFE = 86_400;

/** Life of a discharge if the ticket says nothing, seconds. */
export const DEFAULT_LIFE = 300;

/** Most subjects and groups of one condition. */
export const MAX_NAMES = 32;

/** Longest text that people are asked to approve, characters. */
export const MAX_TEXT = 1_000;
