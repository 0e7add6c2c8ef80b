import { type KeyObject, sign } from "node:crypto";

import { defaultSha256 } from "../../macaroon/index.ts";
import { printCheckpoint } from "../../tlog/checkpoint.ts";
import { printNote, printVerifierKey } from "../../tlog/note.ts";
import { publicHalf, SEED_BYTES, signingKey } from "../keys/ed25519.ts";
import { type Sealing, SealingError } from "../keys/sealing.ts";
import type { AuditTree, StoredAuditKey } from "../ports/audit.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

/** The purpose of the key's seal, and its tie. */
export const AUDIT_KEY_PURPOSE = "audit key";
export const AUDIT_KEY_TIE = "checkpoints";

/** The key that checkpoints are signed with. */
export interface AuditKey {
  /** The public half, 32 bytes. Makes the key if there is none. */
  publicKey(): Promise<Uint8Array>;
  /**
   * Signs a tree's size and root as its checkpoint.
   *
   * @throws SealingError if the key does not open under this replica's master key
   */
  sign(tree: Pick<AuditTree, "origin" | "size" | "root">): Promise<string>;
  /** Seals it anew if an earlier master key sealed it. @throws SealingError */
  maintain(): Promise<void>;
}

/** Writes the key of a tree as tools for transparency logs read it. */
export function verifierKeyOf(origin: string, publicKey: Uint8Array): string {
  return printVerifierKey(defaultSha256, { name: origin, publicKey });
}

/** Makes the custody of the key. It is made once, whichever replica is first. */
export function createAuditKey(options: {
  readonly store: Pick<Store, "auditTrees" | "now">;
  readonly sealing: Sealing;
  readonly randomness: Randomness;
}): AuditKey {
  const { store, sealing, randomness } = options;
  let kept: StoredAuditKey | undefined;
  let opened: { readonly of: StoredAuditKey; readonly key: KeyObject } | undefined;

  async function stored(): Promise<StoredAuditKey> {
    kept ??= (await store.auditTrees.key()) ?? (await make());
    return kept;
  }

  async function make(): Promise<StoredAuditKey> {
    const seed = randomness.bytes(SEED_BYTES);
    return store.auditTrees.keepKey({
      publicKey: publicHalf(seed),
      sealed: sealing.seal(seed, AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE),
      createdAt: await store.now(),
    });
  }

  async function open(): Promise<{ readonly of: StoredAuditKey; readonly key: KeyObject }> {
    const of = await stored();
    if (opened?.of !== of)
      opened = { of, key: signingKey(sealing.open(of.sealed, AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE)) };
    return opened;
  }

  return {
    publicKey: async () => (await stored()).publicKey,

    async sign({ origin, size, root }) {
      const { of, key } = await open();
      const text = printCheckpoint({ origin, size, root });
      const signature = sign(null, Buffer.from(text, "utf8"), key);
      return printNote(defaultSha256, text, { name: origin, publicKey: of.publicKey }, signature);
    },

    async maintain() {
      const current = await store.auditTrees.key();
      if (current === undefined || sealing.isCurrent(current.sealed)) return;
      const seed = sealing.open(current.sealed, AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE);
      await store.auditTrees.resealKey(sealing.seal(seed, AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE));
      kept = undefined;
    },
  };
}

/** Whether a key could not be used because it does not open. */
export function isShut(error: unknown): boolean {
  return error instanceof SealingError;
}
