import type { Repositories } from "../domain/ports/store.ts";
import { createAuditStore } from "./audit.ts";
import type { Run, Session } from "./connection.ts";
import { createDischargeKeyStore } from "./discharge-keys.ts";
import { createDischargeRequestStore } from "./discharge-requests.ts";
import { StorageError } from "./error.ts";
import { createIdempotencyStore } from "./idempotency.ts";
import { createIssueStore } from "./issues.ts";
import { createPlatformStore } from "./platforms.ts";
import { createPrincipalStore } from "./principals.ts";
import { createRevocationStore } from "./revocations.ts";
import { createRootKeyStore } from "./root-keys.ts";
import { createSessionStore } from "./sessions.ts";
import { createTokenStore } from "./tokens.ts";
import { readInteger } from "./values.ts";
import { createWebhookOutbox } from "./webhook-outbox.ts";

/**
 * Every port over one way of running queries: a connection each, or one transaction's.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createRepositories(run: Run, shift: () => number): Repositories {
  return {
    now: async () => (await run("now", readClock)) + shift(),
    audit: createAuditStore(run),
    dischargeKeys: createDischargeKeyStore(run),
    dischargeRequests: createDischargeRequestStore(run),
    idempotency: createIdempotencyStore(run, shift),
    issues: createIssueStore(run, shift),
    platforms: createPlatformStore(run),
    principals: createPrincipalStore(run),
    revocations: createRevocationStore(run, shift),
    rootKeys: createRootKeyStore(run),
    sessions: createSessionStore(run),
    tokens: createTokenStore(run),
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
