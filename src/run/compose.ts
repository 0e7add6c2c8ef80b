import { createAssertionDesk } from "../domain/access/assertions.ts";
import { createAuthentication } from "../domain/access/authentication.ts";
import { createLogins } from "../domain/access/logins.ts";
import { createPlatforms } from "../domain/access/platforms.ts";
import { createPolicies } from "../domain/access/policies.ts";
import { createResources } from "../domain/access/resources.ts";
import { createServiceCredentials } from "../domain/access/service-credentials.ts";
import { createSessions } from "../domain/access/sessions.ts";
import { createStrangerLookUps, type StrangerLookUps } from "../domain/access/stranger-look-ups.ts";
import { type AuditSettings, openAudit } from "../domain/audit/open.ts";
import { createCharging } from "../domain/budget/charging.ts";
import { meteredCharging } from "../domain/budget/metered-charging.ts";
import { createReservations } from "../domain/budget/reservations.ts";
import { createBudgetTurns } from "../domain/budget/turns.ts";
import { createApprovals } from "../domain/discharge/approvals.ts";
import { createBakery } from "../domain/discharge/bakery.ts";
import { createBakeryLogins } from "../domain/discharge/bakery-login.ts";
import { createDischargeDesk } from "../domain/discharge/desk.ts";
import { createDischarges } from "../domain/discharge/discharges.ts";
import { createDischargeLimits, type WaitingLimits } from "../domain/discharge/limits.ts";
import { createTokenReading } from "../domain/discharge/shown-token.ts";
import { createWaitingRoom, type WaitingRoom } from "../domain/discharge/waiting-room.ts";
import { createWebhookDelivery } from "../domain/discharge/webhook-delivery.ts";
import { createWithdrawals, type Withdrawals } from "../domain/discharge/withdrawals.ts";
import { createIdempotency } from "../domain/issue/idempotency.ts";
import { createTokens } from "../domain/issue/issuance.ts";
import { createIssuing } from "../domain/issue/issuing.ts";
import { meteredIssuing } from "../domain/issue/metered-issuing.ts";
import { createRenewals } from "../domain/issue/renewals.ts";
import { createTokenViews } from "../domain/issue/token-views.ts";
import { createDischargeKeys } from "../domain/keys/discharge-keys.ts";
import { createKeyAllowance } from "../domain/keys/key-allowance.ts";
import { createKeys } from "../domain/keys/key-rotation.ts";
import { createRootKeys } from "../domain/keys/root-keys.ts";
import type { Sealing } from "../domain/keys/sealing.ts";
import { createVerdictKeys } from "../domain/keys/verdict-keys.ts";
import { openBundleVerifier } from "../domain/memory/bundle-memory.ts";
import { openOAuth } from "../domain/oauth/open.ts";
import type { ClientAssertions, DocumentFetch } from "../domain/oauth/outside.ts";
import { createAgentKeys } from "../domain/parts/agent-hash.ts";
import type { Assertions, IdTokens, RelyingParty } from "../domain/ports/identity.ts";
import { NO_METER } from "../domain/ports/meter.ts";
import { SERVICE_PLATFORM } from "../domain/ports/platforms.ts";
import type { PrincipalKind } from "../domain/ports/principals.ts";
import type { Steps } from "../domain/ports/steps.ts";
import type { Webhook } from "../domain/ports/webhook.ts";
import { createPrincipals } from "../domain/principals.ts";
import { createKnownResources } from "../domain/replica/known-resources.ts";
import type { RevocationKnowledge } from "../domain/replica/revocation-knowledge.ts";
import { createRevocationStreams, STREAM_LIMITS } from "../domain/revoke/log-streams.ts";
import { createRevocations } from "../domain/revoke/revocations.ts";
import type { Revocations, Service } from "../domain/service.ts";
import { createRecording } from "../domain/tree/recording.ts";
import { createTrees } from "../domain/tree/trees.ts";
import { createBootstrap } from "../domain/upkeep/bootstrap.ts";
import type { CredentialFiles } from "../domain/upkeep/credential-files.ts";
import { createHealth } from "../domain/upkeep/health.ts";
import { createMaintenance } from "../domain/upkeep/maintenance.ts";
import { createDecisions } from "../domain/verify/decisions.ts";
import { createInspecting, createIntrospection } from "../domain/verify/introspection.ts";
import { createKillingEntry } from "../domain/verify/killing-entry.ts";
import { meteredDecisions } from "../domain/verify/metered-decisions.ts";
import { createTokenVerifier, type TokenVerifier } from "../domain/verify/verify-token.ts";
import { openReplica, type ReplicaParts } from "./replica.ts";

/** Everything that the domain needs from outside. */
export interface Parts extends ReplicaParts {
  readonly sealing: Sealing;
  readonly steps: Steps;
  readonly idTokens: IdTokens;
  readonly assertions: Assertions;
  readonly relyingParty: RelyingParty;
  /** Fetches what OAuth clients say of themselves, behind every guard. */
  readonly documents: DocumentFetch;
  readonly clientAssertions: ClientAssertions;
  readonly files: CredentialFiles;
  /** The receiver of notifications; absent if nobody wants them. */
  readonly webhook?: Webhook | undefined;
  readonly publicUrl: string;
  /** The one issuer that administrators can come from. */
  readonly ownIssuer: string;
  /** All issuers whose people can log in. */
  readonly loginIssuers: ReadonlySet<string>;
  /** Whether an issuer is believed to speak of principals of a kind; of those who can log in unless said. */
  readonly vouches?: (issuer: string, kind: PrincipalKind) => boolean;
  /** Whether it is the development identity provider. */
  readonly isDevelopment: boolean;
  readonly adminGroups: readonly string[];
  /** How long records of tokens and audit events are kept, milliseconds. */
  readonly retentionMilliseconds?: number;
  /** The settings of the audit log; the defaults unless said. */
  readonly audit?: AuditSettings | undefined;
  /** The largest number of connections that the store opens. */
  readonly connections?: number;
  /** How long a client of macaroon-bakery waits in one request, milliseconds, if a drill wants it short. */
  readonly waitMilliseconds?: number;
  /** Whether links that were verified are remembered, as they are unless a test compares. */
  readonly remembersLinks?: boolean;
  /** How many requests for discharges may wait, where that differs from the usual. */
  readonly waiting?: Partial<WaitingLimits> | undefined;
}

/** Puts the use cases together. Nothing runs until `start`. */
export function compose(parts: Parts) {
  const { store, clock, stalenessMilliseconds, isDevelopment, meter = NO_METER } = parts;
  const { knowledge, feed } = openReplica(parts);
  const agentKeys = createAgentKeys(parts.sealing.keysFor("agent names")[0].reveal());
  const streams = createRevocationStreams({
    store,
    knowledge,
    agentKeys,
    clock,
    limits: { ...STREAM_LIMITS, heartbeat: parts.follow?.heartbeatMilliseconds ?? STREAM_LIMITS.heartbeat },
  });
  const rootKeys = createRootKeys({
    ...parts,
    isRevoked: knowledge.revokesKey,
    onUnopened: (keyId, error) => parts.report.maintenance(`open root key ${keyId}`, error),
    onGone: (keyId) => bundles.forgetKey(keyId),
  });
  const bundles = openBundleVerifier({ rootKeys, meter, remembersLinks: parts.remembersLinks });
  const principals = createPrincipals(parts);
  const knownResources = createKnownResources(parts);
  const tokenVerifier = createTokenVerifier({
    bundles,
    principals,
    knowledge,
    trustsDevelopment: isDevelopment,
  });
  const sessions = createSessions(parts);
  const lookUps = createStrangerLookUps({ clock });
  const logins = createLogins({ ...parts, lookUps, knowledge });
  const dischargeKeys = createDischargeKeys({
    ...parts,
    onUnopened: (keyId, error) => parts.report.maintenance(`open discharge key ${keyId}`, error),
  });
  const verdictKeys = createVerdictKeys({
    ...parts,
    onUnopened: (keyId, error) => parts.report.maintenance(`open verdict key ${keyId}`, error),
  });
  const room = createWaitingRoom(parts);
  const allowance = createKeyAllowance(clock);
  const notifies = parts.webhook !== undefined;
  const withdrawals = createWithdrawals({ ...parts, knowledge, room, notifies });
  const recording = createRecording({ ...parts, report: parts.report.maintenance });
  const revocations = createRevocations({
    ...parts,
    recording,
    tokenVerifier,
    rootKeys,
    principals,
    knowledge,
    feed,
    streams,
    agentKeys,
    allowance,
    onApprovalRevoked: withdrawals.noteRevoked,
  });
  const ready = { lookUps, rootKeys, dischargeKeys, tokenVerifier, knowledge, room };
  const asking = openDischarges(parts, { ...ready, notifies, withdrawals, revoke: revocations.revoke });
  const credentials = createServiceCredentials({ ...parts, rootKeys });
  const budgetTurns = createBudgetTurns(parts);
  const audit = openAudit({ ...parts, knowledge });
  const { vouches = (issuer, kind) => kind === "person" && parts.loginIssuers.has(issuer) } = parts;
  const idempotency = createIdempotency(parts);
  const issueOne = meteredIssuing(createIssuing({ ...parts, rootKeys }), meter);
  const inspect = createInspecting({ observe: recording.observe, tokenVerifier, knowledge, clock });
  const service: Service = {
    authentication: createAuthentication({
      ...parts,
      tokenVerifier,
      knowledge,
      sessions: logins,
      trustsDevelopment: isDevelopment,
    }),
    tokens: createTokens({
      ...parts,
      rootKeys,
      dischargeKeys,
      principals,
      idempotency,
      issueOne,
      view: createTokenViews({ clock, knowledge, rootKeys, trustsDevelopment: isDevelopment }),
    }),
    renewals: createRenewals({
      ...parts,
      tokenVerifier,
      rootKeys,
      knowledge,
      idempotency,
      issueOne,
    }),
    trees: createTrees({
      ...parts,
      agentKeys,
      knowledge,
      rootKeys,
      recording,
      trustsDevelopment: isDevelopment,
    }),
    decisions: meteredDecisions(
      createDecisions({
        observe: recording.observe,
        killingEntry: createKillingEntry({ store, knowledge, agentKeys, clock }),
        tokenVerifier,
        knowledge,
        feed,
        clock,
        charge: meteredCharging(createCharging({ ...parts, budgetTurns }), meter),
        randomness: parts.randomness,
        resources: knownResources,
        record: audit.decisionLog,
      }),
      meter,
      clock,
    ),
    introspection: createIntrospection({ inspect, resources: knownResources, record: audit.decisionLog }),
    reservations: createReservations({ ...parts, budgetTurns }),
    revocations,
    platforms: createPlatforms({ ...parts, rootKeys, credentials }),
    policies: createPolicies({ ...parts, vouches }),
    resources: createResources({ ...parts, known: knownResources }),
    keys: createKeys({ ...parts, rootKeys, allowance }),
    logins,
    sessions,
    audit: audit.reading,
    ...asking,
    ...openOAuth({
      ...parts,
      assertions: createAssertionDesk({ ...parts, audience: parts.publicUrl }),
      tokenVerifier,
      knowledge,
      issueOne,
      rootKeys,
      principals,
      feed,
      lookUps,
      inspect,
      knownResources,
      verdictKeys,
    }),
    health: createHealth({ store, knowledge, isStopping: () => stopping }),
  };
  const bootstrap = createBootstrap({
    ...parts,
    rootKeys,
    credentials,
    isKnown: async (token) => (await tokenVerifier.verify(token, [], SERVICE_PLATFORM)).ok,
  });
  const maintenance = createMaintenance({
    ...parts,
    rootKeys,
    dischargeKeys,
    verdictKeys,
    knowledge,
    auditKey: audit.key,
    onProblem: parts.report.maintenance,
  });

  let stopping = false;
  let keyTimer: NodeJS.Timeout | undefined;
  let maintenanceTimer: NodeJS.Timeout | undefined;
  let stopDelivery = async () => {};
  let stopAudit = async () => {};

  return {
    service,
    audit,
    bootstrap,
    maintenance,
    knowledge,
    feed,
    recording,
    issueOne,
    rootKeys,

    /** Whether the first platforms have been made. */
    isBootstrapped: async () => (await store.platforms.find(SERVICE_PLATFORM)) !== undefined,

    /** Reads keys and revocations, and keeps them up to date from then on. Rejects if they can't be read. */
    async start(): Promise<void> {
      await Promise.all([rootKeys.load(), dischargeKeys.load(), verdictKeys.load()]);
      await feed.start();
      stopDelivery = startDelivery(parts);
      stopAudit = audit.start();
      recording.start();
      const reload = () =>
        Promise.all([rootKeys.load(), dischargeKeys.load(), verdictKeys.load(), principals.refresh()]).catch(
          (error: unknown) => parts.report.maintenance("load keys", error),
        );
      keyTimer = setInterval(reload, stalenessMilliseconds / 2).unref();
      maintenanceTimer = setInterval(() => void maintenance.run(), MAINTENANCE_PAUSE).unref();
    },

    /** Says from now on that this replica is not ready. It goes on answering. */
    announceStop(): void {
      stopping = true;
    },

    /** Ends streams and long polls, each with an answer, and keeps nobody waiting from then on. */
    endWaits(): void {
      streams.close();
      room.close();
    },

    async stop(): Promise<void> {
      streams.close();
      clearInterval(keyTimer);
      clearInterval(maintenanceTimer);
      await stopDelivery();
      await recording.stop();
      await stopAudit();
      await feed.stop();
    },
  };
}

export type Composed = ReturnType<typeof compose>;

/** Milliseconds between two rounds of maintenance. */
const MAINTENANCE_PAUSE = 10 * 60_000;

/** Milliseconds between two looks for notifications that are due. */
const DELIVERY_PAUSE = 1_000;

/** The use cases of discharges and approvals. */
function openDischarges(
  parts: Parts,
  ready: {
    readonly lookUps: StrangerLookUps;
    readonly rootKeys: ReturnType<typeof createRootKeys>;
    readonly dischargeKeys: ReturnType<typeof createDischargeKeys>;
    readonly tokenVerifier: TokenVerifier;
    readonly knowledge: RevocationKnowledge;
    readonly room: WaitingRoom;
    readonly notifies: boolean;
    readonly withdrawals: Withdrawals;
    readonly revoke: Revocations["revoke"];
  },
): Pick<Service, "discharges" | "approvals" | "bakery"> {
  const { room, lookUps } = ready;
  const limits = createDischargeLimits({ ...parts, onFull: parts.report.full });
  const keys = ready.dischargeKeys;
  const desk = createDischargeDesk({ ...parts, ...ready, keys, limits });
  const readToken = createTokenReading({ ...parts, ...ready });
  const logins = createBakeryLogins({ ...parts, ...ready, keys, trustsDevelopment: parts.isDevelopment });
  return {
    discharges: createDischarges({ ...parts, ...ready, keys, desk, limits, readToken }),
    approvals: createApprovals({ ...parts, ...ready }),
    bakery: createBakery({ ...parts, ...ready, desk, limits, room, logins, lookUps }),
  };
}

/** Sends notifications from now on. @returns stops it, once those under way are done */
function startDelivery(parts: Parts): () => Promise<void> {
  const { webhook, report } = parts;
  if (webhook === undefined) return async () => {};
  const onGivenUp = () => report.maintenance("deliver notification", undefined);
  const delivery = createWebhookDelivery({ ...parts, webhook, onGivenUp });
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= delivery
      .run()
      .catch((error: unknown) => report.maintenance("deliver notifications", error))
      .finally(() => {
        running = undefined;
      });
  }, DELIVERY_PAUSE).unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
