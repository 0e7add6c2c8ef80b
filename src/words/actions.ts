/** The actions that an `action` caveat of a service credential can name. */
export const API_ACTIONS = [
  "issue",
  "verify",
  "revoke",
  "read",
  "discharge",
  "keys",
  "platforms",
  "policy",
  "audit",
  "resources",
] as const;

/** One of {@link API_ACTIONS}. */
export type ApiAction = (typeof API_ACTIONS)[number];
