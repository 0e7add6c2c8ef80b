import { existsSync } from "node:fs";

import type { Logger } from "pino";

import type { Config } from "../config.ts";
import { createSealing } from "../domain/keys/sealing.ts";
import type { Secret } from "../domain/keys/secret.ts";
import type { Webhook } from "../domain/ports/webhook.ts";
import type { OpenStoreOptions } from "../storage/open.ts";
import { type Composed, compose, type Parts } from "./compose.ts";
import { folderWarning, openConfiguredStore } from "./configured-store.ts";
import { credentialFiles, ensureMasterKey, positionFile } from "./data-dir.ts";
import { createLogger, errorFields, logBindings } from "./log.ts";
import type { Measured } from "./metrics/collector.ts";
import type { Tally } from "./metrics/tally.ts";
import { openPeople, type People } from "./people.ts";
import { systemClock, systemRandomness, unwatchedSteps } from "./system.ts";
import type { Tracing } from "./traces/tracing.ts";
import { isWritable, prepareDataDir } from "./volume.ts";
import { createWebhook } from "./webhook.ts";

/** The service, opened and not started. */
export interface Opened extends Composed {
  readonly log: Logger;
  readonly people: People;
  /** Whether this process has a database of its own and makes its first platforms itself. */
  readonly embedded: boolean;
  /** What is to be told of it to its operator. */
  readonly measured: Measured;
  close(): Promise<void>;
}

/** How far is counted what waits: a scrape must not cost more the more there is. */
const MOST_COUNTED = { approvals: 10_000, events: 100_000 } as const;

async function masterKey(config: Config): Promise<Secret> {
  if (config.masterKey !== undefined) return config.masterKey;
  return ensureMasterKey(config.dataDir, systemRandomness);
}

/** Tells counting and recording of exchanges with the database. */
function observed(tally: Tally | undefined, tracing: Tracing | undefined): Pick<OpenStoreOptions, "observe"> {
  if (tracing === undefined) return tally === undefined ? {} : { observe: tally.queried };
  return {
    observe(operation, milliseconds, failed) {
      tally?.queried(operation, milliseconds);
      tracing.queried(operation, milliseconds, failed);
    },
  };
}

function openWebhook({ webhook }: Config, tracing: Tracing | undefined): Webhook | undefined {
  if (webhook === undefined) return undefined;
  const sender = createWebhook({ ...webhook, traceparent: tracing?.outgoing });
  return tracing?.deliveries(sender) ?? sender;
}

/** The file that keeps how far the revocation log was read, where there is a folder for it. */
function keptPosition(folder: string, worker: number | undefined, warn: (detail: string) => void) {
  if (!existsSync(folder)) return undefined;
  if (!isWritable(folder)) {
    warn(
      `DATA_DIR: folder ${folder} cannot be written to: how far the revocation log was read is not kept over a restart, so that one from an exact copy of the database is not noticed`,
    );
    return undefined;
  }
  return positionFile(folder, worker);
}

/**
 * Opens everything that the configuration names: data folder, database (migrated), issuer.
 *
 * @param overrides parts that a drill replaces: time, chance, or the moment between two steps; and this worker's number
 */
export async function open(
  config: Config,
  overrides: Partial<Pick<Parts, "clock" | "randomness" | "steps" | "follow">> & {
    readonly shiftDatabaseClock?: () => number;
    /** The number of this process, if it is one of several workers. */
    readonly worker?: number;
    /** Counts what is done; nobody does unless said. */
    readonly tally?: Tally | undefined;
    /** Records the work; nobody does unless said. */
    readonly tracing?: Tracing | undefined;
    /** Whether files are kept in the data folder whatever the database: the development identity provider's unless said. */
    readonly keepsFiles?: boolean;
  } = {},
): Promise<Opened> {
  const { worker, keepsFiles = config.oidc.kind === "development" } = overrides;
  const log = createLogger(config.logLevel, logBindings(worker));
  const {
    clock = systemClock,
    randomness = systemRandomness,
    steps = unwatchedSteps,
    shiftDatabaseClock,
  } = overrides;
  const embedded = config.databaseUrl === undefined;
  const warn = folderWarning(log);
  if (keepsFiles && !embedded) prepareDataDir(config.dataDir, warn);

  const { tally, tracing } = overrides;
  const more = {
    ...(shiftDatabaseClock === undefined ? {} : { shiftDatabaseClock }),
    ...observed(tally, tracing),
  };
  const plain = await openConfiguredStore(config, more, log);
  const store = tracing?.auditedStore(plain) ?? plain;
  try {
    const sealing = createSealing({
      masterKey: await masterKey(config),
      previous: config.previousMasterKey,
      randomness,
    });
    const people = await openPeople(
      config,
      { clock, randomness },
      (error) => log.error({ event: "development identity provider", ...errorFields(error) }),
      tracing?.issuerCalls,
    );
    const composed = compose({
      store,
      sealing,
      clock,
      randomness,
      steps,
      ...(overrides.follow === undefined ? {} : { follow: overrides.follow }),
      ...people,
      meter: tally,
      connections: config.databasePool,
      positionFile: keptPosition(config.dataDir, worker, warn),
      files: credentialFiles(config.dataDir),
      webhook: openWebhook(config, tracing),
      publicUrl: config.publicUrl,
      adminGroups: config.adminGroups,
      stalenessMilliseconds: config.revocationMaxStaleness,
      waiting: config.waitingRequests,
      failover: config.failover,
      retentionMilliseconds: config.retention,
      audit: { decisions: config.auditDecisions, isPublic: config.auditPublic },
      report: {
        feed(problem) {
          if (problem === undefined) log.info({ event: "revocations followed again" });
          else log.warn({ event: "revocations not followed", detail: problem });
        },
        clocks(problem) {
          if (problem === undefined) log.info({ event: "clocks agree again" });
          else log.warn({ event: "clocks disagree", detail: problem });
        },
        fenced(issuedBefore) {
          log.warn({
            event: "revocation log fenced",
            issued_before: new Date(issuedBefore).toISOString(),
            detail:
              "entries were lost (RESTORE_FENCE=auto): run `bakehouse bootstrap --reissue` for new credentials",
          });
        },
        full: (limit, most) => log.warn({ event: "requests for discharges refused", limit, most }),
        maintenance: (task, error) => log.warn({ event: "maintenance failed", task, ...errorFields(error) }),
      },
    });
    return {
      ...composed,
      log,
      people,
      embedded,
      measured: {
        knowledge: composed.knowledge,
        rootKeys: composed.rootKeys,
        load: store.load,
        approvalsPending: () => store.dischargeRequests.countPending(clock.now(), MOST_COUNTED.approvals),
        unintegrated: () => store.auditTrees.countWaiting(MOST_COUNTED.events),
      },
      async close() {
        await composed.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
