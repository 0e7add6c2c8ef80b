import type { DocumentFetch } from "../../src/domain/oauth/outside.ts";
import type { Assertions, IdTokens, RelyingParty } from "../../src/domain/ports/identity.ts";

/** The issuer that the service calls its own. */
export const OWN_ISSUER = "https://login.test";

/** An issuer whose ID tokens are accepted besides. */
export const OTHER_ISSUER = "https://partner.test";

/** A human as a test names them. */
export interface TestHuman {
  readonly subject: string;
  readonly issuer?: string;
  readonly groups?: readonly string[];
  readonly email?: string;
  /** When the issuer vouched for them, unix milliseconds; as late as can be unless said. */
  readonly issuedAt?: number;
}

/** Later than all that a test revokes, whatever its clocks say: a person has always just spoken. */
export const JUST_NOW = Date.parse("2100-01-01T00:00:00Z");

/** What the stub takes for an ID token: three parts with dots, of which the middle one says who it is. */
export function stubIdToken(human: TestHuman): string {
  return `stub.${Buffer.from(JSON.stringify(human)).toString("base64url")}.unsigned`;
}

/** ID tokens without an issuer behind them. What the real checks refuse is tested where they are. */
export function stubIdTokens(isDevelopment: boolean): IdTokens {
  return {
    async verify(token) {
      const [kind, payload = ""] = token.split(".");
      if (kind !== "stub") return { ok: false, reason: "the ID token is not one of a trusted issuer" };
      const human: TestHuman = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
      const { issuer = OWN_ISSUER } = human;
      const identity = {
        issuer,
        subject: human.subject,
        email: human.email ?? null,
        name: null,
        groups: human.groups ?? [],
        authenticatedAt: null,
        acr: null,
        development: isDevelopment && issuer === OWN_ISSUER,
      };
      const issuedAt = human.issuedAt ?? JUST_NOW;
      return { ok: true, identity, issuedAt, expiresAt: Number.MAX_SAFE_INTEGER };
    },
  };
}

/** Nobody logs in with a browser here. */
export const noRelyingParty: RelyingParty = {
  begin: () => Promise.reject(new Error("no login in this test")),
  finish: () => Promise.reject(new Error("no login in this test")),
  logoutUrl: () => Promise.reject(new Error("no login in this test")),
};

/** No issuer asserts anything here. */
export const noAssertions: Assertions = {
  open: () => ({ ok: false, reason: "no assertion in this test" }),
};

/** No OAuth client has a document here. */
export const noDocuments: DocumentFetch = {
  fetch: async () => ({ ok: false, why: "no document in this test" }),
};
