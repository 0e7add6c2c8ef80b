/** The claims of a token, in the issuer's words: nothing about them is checked yet. */
export type Claims = Readonly<Record<string, unknown>>;
