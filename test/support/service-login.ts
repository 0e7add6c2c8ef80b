import type { LoginDemands, RelyingParty } from "../../src/domain/ports/identity.ts";
import type { Identity } from "../../src/domain/ports/sessions.ts";
import { OWN_ISSUER } from "./service-people.ts";

/** A person as a test logs them in with a browser. */
export interface Person {
  readonly subject: string;
  /** The service's own unless said. */
  readonly issuer?: string;
  readonly groups?: readonly string[];
  /** One that the issuer has verified. */
  readonly email?: string;
  readonly name?: string;
  /** Unix milliseconds; null for an issuer that does not say. */
  readonly authenticatedAt?: number | null;
  readonly acr?: string;
}

/** A relying party whose issuer lets in whom the test says, and that remembers what was demanded. */
export function stubRelyingParty() {
  const demanded: LoginDemands[] = [];
  let next: Person | undefined;
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const relyingParty: RelyingParty = {
    async begin(returnTo, demands = {}) {
      demanded.push(demands);
      const attempt = { state: "s", nonce: "n", codeVerifier: "v", returnTo, startedAt: now() };
      return { url: "https://login.test/authorize", attempt };
    },
    async finish() {
      if (next === undefined) return { ok: false, reason: "nobody is there" };
      const identity: Identity = {
        issuer: next.issuer ?? OWN_ISSUER,
        subject: next.subject,
        email: next.email ?? null,
        name: next.name ?? null,
        groups: next.groups ?? [],
        authenticatedAt: next.authenticatedAt === undefined ? now() : next.authenticatedAt,
        acr: next.acr ?? null,
        development: false,
      };
      return { ok: true, identity };
    },
    logoutUrl: async () => undefined,
  };

  /** Logs someone in. @returns the headers of their browser's requests */
  async function login(
    get: (path: string, init?: RequestInit) => Promise<{ readonly headers: Response["headers"] }>,
    person: Person | string,
    origin = "http://127.0.0.1:8080",
  ): Promise<{ readonly cookie: string; readonly origin: string }> {
    next = typeof person === "string" ? { subject: person } : person;
    const begun = await get("/login");
    const attempt = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const back = await get("/callback?state=s&code=c", { headers: { cookie: attempt } });
    const session = back.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0] ?? "")
      .find((cookie) => cookie.startsWith("bakehouse="));
    if (session === undefined) throw new Error("nobody was logged in");
    return { cookie: session, origin };
  }

  /** Moves the issuer's clock, as a test moves the service's. */
  function advance(milliseconds: number): void {
    ahead += milliseconds;
  }

  return { relyingParty, demanded, login, advance };
}
