/**
 * One rule of a platform's policy. A rule matches a human who satisfies every member that it has; the
 * first rule that matches decides.
 */
export interface PolicyRule {
  /** The OIDC issuer; null for the service's own (`OIDC_ISSUER`), whichever that is. */
  readonly issuer: string | null;
  /** At least one of these groups; null for any or none. */
  readonly groups: readonly string[] | null;
  /** One of these subjects; null for any. */
  readonly subjects: readonly string[] | null;
  /** Caveats that every token under this rule gets, in the caveat language. */
  readonly caveats: readonly string[];
  /** The longest life of a token, seconds. */
  readonly maxTtl: number;
  /** Whether the platform may issue by its own word (`on_behalf_of`). A rule with groups never can: no issuer vouched for them. */
  readonly onBehalfOf: boolean;
}

/** To whom a platform's tokens may be issued. Where no rule matches, none is issued. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
}
