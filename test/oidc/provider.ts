import { randomBytes } from "node:crypto";

import type { LoginOutcome, RelyingParty } from "../../src/domain/ports/identity.ts";
import {
  type CheckedRelyingParty,
  createRelyingParty,
  type RelyingPartyOptions,
} from "../../src/oidc/relying-party.ts";
import { createBrowser } from "../support/browser.ts";
import type { FakeIssuer } from "../support/fake-issuer.ts";
import type { ManualClock } from "./manual-clock.ts";

const REDIRECT_URI = "http://127.0.0.1:8080/callback";

/** A relying party of a scripted issuer. */
export function relyingPartyOf(
  issuer: FakeIssuer,
  clock: ManualClock,
  over: Partial<RelyingPartyOptions> = {},
): CheckedRelyingParty {
  return createRelyingParty({
    issuer: issuer.issuer,
    clientId: issuer.clientId,
    redirectUri: REDIRECT_URI,
    development: false,
    allowInsecureIssuer: true,
    clock,
    randomness: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    timing: { timeout: 5_000, cooldown: 0, retryAfter: 0, fresh: 0 },
    ...over,
  });
}

/** Begins a login, goes to the issuer and comes back. */
export async function logInAt(party: RelyingParty): Promise<LoginOutcome> {
  const { url, attempt } = await party.begin("/");
  const browser = createBrowser({ stopAt: (next) => next.pathname === "/callback" });
  return await party.finish(attempt, (await browser.get(url)).url);
}

/** The error of a login, as far as an operator and a person are told of it; undefined if there was none. */
export async function failureOf(login: Promise<unknown>): Promise<unknown> {
  return login.then(
    () => undefined,
    (error: unknown) => {
      const { code, message, facts } = error as Readonly<Record<string, unknown>>;
      return { code, message, facts };
    },
  );
}
