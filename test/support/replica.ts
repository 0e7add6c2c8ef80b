import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";

import type { Caller, HumanCaller } from "../../src/domain/caller.ts";
import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import type { Clock } from "../../src/domain/ports/clock.ts";
import type { Store } from "../../src/domain/ports/store.ts";
import type { IssuedToken, RevokeTarget } from "../../src/domain/service.ts";
import { clientAssertions } from "../../src/oidc/client-assertion.ts";
import { type Composed, compose, type Parts } from "../../src/run/compose.ts";
import { credentialFiles, positionFile } from "../../src/run/data-dir.ts";
import { systemClock, systemRandomness, unwatchedSteps } from "../../src/run/system.ts";
import { openStore } from "../../src/storage/open.ts";
import { identityOf } from "./identity.ts";
import { question } from "./question.ts";
import { scratchFolder } from "./scratch.ts";
import {
  JUST_NOW,
  noAssertions,
  noDocuments,
  noRelyingParty,
  OWN_ISSUER,
  stubIdTokens,
} from "./service-people.ts";
import { until } from "./until.ts";

/** What several replicas of one service share. */
export interface Fleet {
  readonly masterKey: Secret;
  readonly folder: string;
  remove(): void;
}

/** Settings of one replica. */
export interface ReplicaSettings {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock?: Clock;
  /** Milliseconds. */
  readonly staleness?: number;
  readonly follow?: Parts["follow"];
  /** Where the position is kept; nowhere unless said. */
  readonly dataDir?: string;
  readonly failover?: Parts["failover"];
  /** Of the audit log; it does not grow its tree and records no decision unless said. */
  readonly audit?: Parts["audit"];
}

/** What a verify came to: `allowed`, a refusal's code, or `unavailable`. */
export type Outcome = string;

/** One replica in this process, used without HTTP. */
export interface InProcessReplica {
  readonly composed: Composed;
  readonly store: Store;
  readonly reports: readonly string[];
  issue(subject?: string, platform?: string): Promise<IssuedToken>;
  verify(token: string, minSequence?: string): Promise<Outcome>;
  /** As {@link verify}, asked again as long as the replica says that it cannot tell. */
  verifyPatiently(token: string, minSequence?: string): Promise<Outcome>;
  /** @returns the answer's sequence */
  revoke(by: Caller | undefined, ...targets: readonly RevokeTarget[]): Promise<string>;
  stop(): Promise<void>;
}

export function newFleet(): Fleet {
  const folder = scratchFolder("fleet");
  return {
    masterKey: new Secret(new Uint8Array(randomBytes(32))),
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A person of the service's own issuer. @param spokeAt when they logged in, unix milliseconds; after all else unless said */
export function person(subject: string, administrator = false, spokeAt = JUST_NOW): HumanCaller {
  const identity = identityOf(OWN_ISSUER, subject);
  return { kind: "human", identity, administrator, spokeAt, saidAt: Math.min(spokeAt, Date.now()) };
}

/** A platform's credential, with no caveat of its own. */
export function platformCaller(platform: string): Caller {
  return {
    kind: "service",
    role: "platform",
    platform,
    credentialId: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
    links: ["link"],
    narrowed: [],
    resource: undefined,
    refuses: () => undefined,
  };
}

/** Opens a store on a server as a service does. */
export function openServerStore(url: string): Promise<Store> {
  return openStore({ place: { kind: "server", url } });
}

/** Starts a replica; the first of a fleet makes its platforms. */
export async function startReplica(settings: ReplicaSettings): Promise<InProcessReplica> {
  const { store, fleet, clock = systemClock, dataDir } = settings;
  const reports: string[] = [];
  const composed = compose({
    store,
    sealing: createSealing({ masterKey: fleet.masterKey, previous: undefined, randomness: systemRandomness }),
    clock,
    randomness: systemRandomness,
    steps: unwatchedSteps,
    idTokens: stubIdTokens(false),
    assertions: noAssertions,
    relyingParty: noRelyingParty,
    documents: noDocuments,
    clientAssertions,
    files: credentialFiles(fleet.folder),
    publicUrl: "http://127.0.0.1:8080",
    ownIssuer: OWN_ISSUER,
    loginIssuers: new Set([OWN_ISSUER]),
    isDevelopment: false,
    adminGroups: ["admins"],
    stalenessMilliseconds: settings.staleness ?? 10_000,
    positionFile: dataDir === undefined ? undefined : positionFile(dataDir),
    ...(settings.follow === undefined ? {} : { follow: settings.follow }),
    failover: settings.failover,
    audit: { decisions: "none", integrates: false, ...settings.audit },
    report: {
      feed: (problem) => reports.push(problem ?? "well"),
      clocks: (problem) => reports.push(problem ?? "clocks agree"),
      fenced: () => reports.push("fenced"),
      full: (limit) => reports.push(`full: ${limit}`),
      maintenance: (task) => reports.push(task),
    },
  });
  await composed.bootstrap.run(false);
  await composed.start();
  const { service } = composed;
  async function verify(token: string, minSequence?: string): Promise<Outcome> {
    try {
      const verdict = await service.decisions.decide(
        platformCaller("default"),
        question(token, { minSequence }),
      );
      return verdict.allowed ? "allowed" : verdict.code;
    } catch (error) {
      if (error instanceof DomainError) return error.code;
      throw error;
    }
  }

  return {
    composed,
    store,
    reports,
    verify,
    verifyPatiently: (token, minSequence) =>
      until(async () => {
        const outcome = await verify(token, minSequence);
        return outcome !== "unavailable" && outcome;
      }),
    issue: (subject = "alice", platform = "default") =>
      service.tokens.issue(person(subject), {
        platform,
        ttl: undefined,
        caveats: [],
        thirdPartyCaveats: [],
        label: undefined,
        onBehalfOf: undefined,
      }),
    async revoke(by, ...targets) {
      return (await service.revocations.revoke(by, { targets, reason: undefined })).sequence;
    },
    async stop() {
      await composed.stop();
      await store.close();
    },
  };
}
