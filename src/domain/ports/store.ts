import type { AuditStore, AuditTreeStore } from "./audit.ts";
import type { BudgetStore } from "./budgets.ts";
import type { Changes } from "./changes.ts";
import type { DeviceStore } from "./devices.ts";
import type { DischargeRequestStore, LiveDischargeStore } from "./discharge-requests.ts";
import type { IdempotencyStore } from "./idempotency.ts";
import type { UsedAssertionStore } from "./identity.ts";
import type { IssueStore, LineStore } from "./issues.ts";
import type { KeyPairStore } from "./keys/key-pairs.ts";
import type { RootKeyStore } from "./keys/root-keys.ts";
import type { OAuthStore } from "./oauth.ts";
import type { PlatformStore } from "./platforms.ts";
import type { PeopleStore, PrincipalStore } from "./principals.ts";
import type { ResourceStore } from "./resources.ts";
import type { RevocationStore } from "./revocations.ts";
import type { SessionStore } from "./sessions.ts";
import type { LinkStore, TokenStore } from "./tokens.ts";
import type { WebhookOutbox } from "./webhook.ts";

/** Everything that the service keeps. */
export interface Repositories {
  /** The database's clock, unix milliseconds: the one clock that all replicas share. */
  now(): Promise<number>;
  readonly audit: AuditStore;
  readonly auditTrees: AuditTreeStore;
  readonly budgets: BudgetStore;
  readonly devices: DeviceStore;
  readonly dischargeKeys: KeyPairStore;
  readonly dischargeRequests: DischargeRequestStore;
  readonly idempotency: IdempotencyStore;
  readonly issues: IssueStore;
  readonly lines: LineStore;
  readonly links: LinkStore;
  readonly liveDischarges: LiveDischargeStore;
  readonly oauth: OAuthStore;
  readonly people: PeopleStore;
  readonly platforms: PlatformStore;
  readonly principals: PrincipalStore;
  readonly resources: ResourceStore;
  readonly revocations: RevocationStore;
  readonly rootKeys: RootKeyStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly usedAssertions: UsedAssertionStore;
  readonly verdictKeys: KeyPairStore;
  readonly webhookOutbox: WebhookOutbox;
}

/**
 * The store. Reads outside a transaction go through its own members.
 *
 * Inside `transaction`, use only the repositories handed to the work: the embedded database has one
 * connection, and a call on the store itself would wait for the transaction that waits for it.
 */
export interface Store extends Repositories {
  readonly changes: Changes;
  /**
   * Runs the work in one transaction: committed, durably, when it resolves; rolled back, and the
   * rejection passed on, when it rejects.
   *
   * @param operation a short name for errors and logs
   */
  transaction<T>(operation: string, work: (repositories: Repositories) => Promise<T>): Promise<T>;
  /**
   * Resolves to the reason why the database takes no changes, and to undefined if it takes them as far as is known
   * without making one. Rejects where the database does not answer, within a short deadline.
   */
  refusesChanges(): Promise<string | undefined>;
  /** Creates the partitions that the coming months need and drops those wholly before `instant` (unix milliseconds). */
  maintainPartitions(dropBefore: number): Promise<void>;
  close(): Promise<void>;
}
