import type { Identity } from "../../src/domain/ports/sessions.ts";
import type { FakeIssuer } from "../support/fake-issuer.ts";
import type { ManualClock } from "./manual-clock.ts";

/** Who logs in at a fake issuer unless a test says otherwise, as the service should see her. */
export function aliceOf({ issuer }: FakeIssuer, clock: ManualClock, acr: string | null = null): Identity {
  return {
    issuer,
    subject: "alice",
    email: "alice@example.com",
    name: "Alice",
    groups: ["staff"],
    authenticatedAt: Math.floor(clock.now() / 1_000 - 30) * 1_000,
    acr,
    development: false,
  };
}
