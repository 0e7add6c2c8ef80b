import type { Repositories } from "../domain/ports/store.ts";
import type { Run, Session } from "./engine/connection.ts";
import { StorageError } from "./engine/error.ts";
import { readInteger } from "./engine/values.ts";
import { createUsedAssertionStore } from "./grants/assertions.ts";
import { createDeviceStore } from "./grants/devices.ts";
import { createIssueStore } from "./grants/issues.ts";
import { createLineStore } from "./grants/lines.ts";
import { createOAuthStore } from "./grants/oauth.ts";
import { verdictKeys } from "./grants/schema.ts";
import { createRevocationStore } from "./revocations/revocations.ts";
import { createAuditStore } from "./tables/audit.ts";
import { createAuditTreeStore } from "./tables/audit-trees.ts";
import { createBudgetStore } from "./tables/budgets.ts";
import { createDischargeRequestStore } from "./tables/discharge-requests.ts";
import { createIdempotencyStore } from "./tables/idempotency.ts";
import { createKeyPairStore } from "./tables/key-pairs.ts";
import { createLinkStore } from "./tables/links.ts";
import { createLiveDischargeStore } from "./tables/live-discharges.ts";
import { createPeopleStore } from "./tables/people.ts";
import { createPlatformStore } from "./tables/platforms.ts";
import { createPrincipalStore } from "./tables/principals.ts";
import { createResourceStore } from "./tables/resources.ts";
import { createRootKeyStore } from "./tables/root-keys.ts";
import { dischargeKeys } from "./tables/schema.ts";
import { createSessionStore } from "./tables/sessions.ts";
import { createTokenStore } from "./tables/tokens.ts";
import { createWebhookOutbox } from "./tables/webhook-outbox.ts";

/**
 * Every port over one way of running queries: a connection each, or one transaction's.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createRepositories(run: Run, shift: () => number): Repositories {
  return {
    now: async () => (await run("now", readClock)) + shift(),
    audit: createAuditStore(run),
    auditTrees: createAuditTreeStore(run),
    budgets: createBudgetStore(run, shift),
    devices: createDeviceStore(run),
    dischargeKeys: createKeyPairStore(run, "dischargeKeys", dischargeKeys),
    dischargeRequests: createDischargeRequestStore(run),
    idempotency: createIdempotencyStore(run, shift),
    issues: createIssueStore(run, shift),
    lines: createLineStore(run),
    links: createLinkStore(run),
    liveDischarges: createLiveDischargeStore(run),
    oauth: createOAuthStore(run),
    people: createPeopleStore(run),
    platforms: createPlatformStore(run),
    principals: createPrincipalStore(run),
    resources: createResourceStore(run),
    revocations: createRevocationStore(run, shift),
    rootKeys: createRootKeyStore(run),
    sessions: createSessionStore(run),
    tokens: createTokenStore(run),
    usedAssertions: createUsedAssertionStore(run),
    verdictKeys: createKeyPairStore(run, "verdictKeys", verdictKeys),
    webhookOutbox: createWebhookOutbox(run),
  };
}

async function readClock(session: Session): Promise<number> {
  // Not now(): that is when the transaction began, which may be before something it waited for.
  const [row] = await session.query(
    "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now",
    [],
  );
  if (row === undefined) throw new StorageError("now");
  return readInteger(row["now"]);
}
