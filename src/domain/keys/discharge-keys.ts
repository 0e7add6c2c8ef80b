import { boxPublicKey, type OpenedTicket, openTicket } from "../../macaroon/index.ts";
import { SHORT_ID_BYTES } from "../../words/ids.ts";
import { auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE, ROOT_KEY_AGE, ROOT_KEY_MARGIN } from "../parts/lifetimes.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredDischargeKey } from "../ports/discharge-keys.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { type Sealing, SealingError } from "./sealing.ts";
import { Secret } from "./secret.ts";

/** What tickets are sealed to: which key is published, and which ones still open tickets. */
export interface DischargeKeys {
  /** Reads all usable keys. One that does not open under the master key opens no ticket; the others do. */
  load(): Promise<void>;
  /** The public key to seal new tickets to; the first one is made where there is none. */
  publicKey(): Promise<Uint8Array>;
  /** The published key pair, to seal tickets of this service's own to itself. */
  own(): Promise<{ readonly publicKey: Uint8Array; readonly privateKey: Secret }>;
  /**
   * Opens a ticket with whichever key it is made for.
   *
   * @returns the ticket, and whether this service itself wrote it
   * @throws DomainError `ticket_invalid`; `unavailable` where it may be made for a key that does not open
   */
  open(ticket: Uint8Array): Promise<{ readonly ticket: OpenedTicket; readonly own: boolean }>;
  /** Replaces a key of age; destroys expired ones; seals anew what an earlier master key sealed. */
  maintain(): Promise<void>;
}

const PURPOSE = "discharge key";
const KEY_BYTES = 32;
const SERVICE = { kind: "service" } as const;

/**
 * Milliseconds after which a key that does not open here is replaced. Not sooner: two replicas with different master
 * keys replace each other's, and every key is tried on every ticket for three months.
 */
const UNOPENED_AGE = 24 * 3_600_000;

/** Reads a second for tickets that no key in memory opens: one may have been made elsewhere a moment ago. */
const RELOADS = { perSecond: 1, burst: 5, maxKeys: 1 };

interface Key {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly privateKey: Secret;
  readonly activeFrom: number;
}

function unopenable(): DomainError {
  return new DomainError("unavailable", "a discharge key does not open under this replica's master key");
}

/** @param stalenessMilliseconds within which every replica has read what was committed */
export function createDischargeKeys(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
  /** Told once of each key that does not open. */
  readonly onUnopened: (keyId: string, error: SealingError) => void;
}): DischargeKeys {
  const { store, sealing, clock, randomness } = options;
  const reloads = createRateLimit({ clock, ...RELOADS });
  // Newest first.
  let known: readonly Key[] = [];
  let unopened: ReadonlySet<string> = new Set();

  function opened(stored: StoredDischargeKey): Key {
    const { id, publicKey, activeFrom } = stored;
    const before = known.find((key) => key.id === id);
    const privateKey = before?.privateKey ?? new Secret(sealing.open(stored.sealed, PURPOSE, id));
    return { id, publicKey, privateKey, activeFrom };
  }

  async function load(): Promise<void> {
    const keys: Key[] = [];
    const problems = new Map<string, SealingError>();
    for (const stored of await store.dischargeKeys.usable(await store.now())) {
      try {
        keys.push(opened(stored));
      } catch (error) {
        if (!(error instanceof SealingError)) throw error;
        problems.set(stored.id, error);
      }
    }
    for (const [id, problem] of problems) if (!unopened.has(id)) options.onUnopened(id, problem);
    known = keys;
    unopened = new Set(problems.keys());
  }

  async function create(repositories: Repositories, now: number, activeFrom: number): Promise<void> {
    const id = Buffer.from(randomness.bytes(SHORT_ID_BYTES)).toString("base64url");
    const privateKey = randomness.bytes(KEY_BYTES);
    await repositories.dischargeKeys.insert({
      id,
      publicKey: boxPublicKey(privateKey),
      sealed: sealing.seal(privateKey, PURPOSE, id),
      createdAt: now,
      activeFrom,
      expiresAt: null,
    });
    const event = {
      action: "discharge_key.created",
      actor: SERVICE,
      platform: null,
      details: { key_id: id, active_from: activeFrom },
    } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
  }

  /** Makes the first key, or the next where the newest is of age. The service's platform row makes replicas take turns. */
  async function renew(): Promise<void> {
    await store.transaction("renew discharge key", async (repositories) => {
      if ((await repositories.platforms.lock(SERVICE_PLATFORM)) === undefined) return;
      const now = await repositories.now();
      const [newest] = await repositories.dischargeKeys.usable(now);
      if (newest === undefined) {
        await create(repositories, now, now);
      } else if (newest.createdAt + (unopened.has(newest.id) ? UNOPENED_AGE : ROOT_KEY_AGE) <= now) {
        const activeFrom = now + 2 * options.stalenessMilliseconds;
        await create(repositories, now, activeFrom);
        await repositories.dischargeKeys.retire(newest.id, activeFrom + MAX_TOKEN_LIFE + ROOT_KEY_MARGIN);
      }
    });
  }

  async function current(): Promise<Key> {
    const published = () => known.find(({ activeFrom }) => activeFrom <= clock.now()) ?? known.at(-1);
    // The keys are read again by themselves; callers, who may be anyone, must not make that happen more often.
    if (published() === undefined && unopened.size > 0) throw unopenable();
    if (published() === undefined) {
      await load();
      if (published() === undefined) {
        await renew();
        await load();
      }
    }
    const key = published();
    if (key === undefined) throw new DomainError("unavailable", "no discharge key has been made yet");
    return key;
  }

  function tryAll(ticket: Uint8Array) {
    let opening: ReturnType<typeof openTicket> | undefined;
    for (const key of known) {
      opening = openTicket(ticket, key.privateKey.reveal());
      if (opening.ok || opening.code !== "wrong_key") return opening;
    }
    return opening;
  }

  async function destroyExpired(): Promise<void> {
    await store.transaction("destroy expired discharge keys", async (repositories) => {
      const now = await repositories.now();
      const events = (await repositories.dischargeKeys.destroyExpired(now)).map((id) =>
        auditEvent(randomness, now, {
          action: "discharge_key.destroyed",
          actor: SERVICE,
          platform: null,
          details: { key_id: id },
        }),
      );
      if (events.length > 0) await repositories.audit.append(events);
    });
  }

  /** @returns why some of them do not open, where some do not */
  async function reseal(): Promise<SealingError | undefined> {
    let problem: SealingError | undefined;
    for (const { id, sealed } of await store.dischargeKeys.usable(await store.now())) {
      if (sealing.isCurrent(sealed)) continue;
      try {
        await store.dischargeKeys.reseal(id, sealing.seal(sealing.open(sealed, PURPOSE, id), PURPOSE, id));
      } catch (error) {
        if (!(error instanceof SealingError)) throw error;
        problem = error;
      }
    }
    return problem;
  }

  return {
    load,
    publicKey: async () => (await current()).publicKey,
    own: current,
    async open(ticket) {
      await current();
      let opening = tryAll(ticket);
      if (opening?.ok === false && opening.code === "wrong_key" && reloads.take("")) {
        await load();
        opening = tryAll(ticket);
      }
      if (opening?.ok !== true) {
        // It may be made for a key that is on record, so to call it invalid might be wrong.
        if (unopened.size > 0 && (opening === undefined || opening.code === "wrong_key")) {
          throw unopenable();
        }
        throw new DomainError("ticket_invalid", opening?.detail ?? "ticket is made for another key");
      }
      const writer = Buffer.from(opening.ticket.firstPartyPublicKey);
      return { ticket: opening.ticket, own: known.some(({ publicKey }) => writer.equals(publicKey)) };
    },
    async maintain() {
      await destroyExpired();
      const problem = await reseal();
      await renew();
      await load();
      if (problem !== undefined) throw problem;
    },
  };
}
