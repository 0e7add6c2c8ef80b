import type { Condition } from "../../caveats/condition.ts";
import { type CaveatReader, createCaveatReader } from "../../caveats/memo.ts";
import {
  type ChainHash,
  decodeBundle,
  LIMITS,
  type SigningKey,
  signingKey,
  type UnverifiedMacaroon,
  type Verification,
  type VerifiedChain,
  type VerifiedMacaroon,
  type VerifyOptions,
  verify,
  verifyInSteps,
} from "../../macaroon/index.ts";
import { parseIdentifier } from "../../words/identifier.ts";
import type { RefusalCode } from "../../words/refusal-codes.ts";
import type { RootKey, RootKeys } from "../keys/root-keys.ts";
import type { Secret } from "../keys/secret.ts";
import { nextTurn } from "../parts/turn.ts";
import { summaryOf } from "./bundle-texts.ts";
import { nodeChain, nodeHmac } from "./node-hash.ts";
import { conditionOf, conditionsOf, readBundle, type VerifiedBundle } from "./verified-bundle.ts";

/** A token as it was presented. */
export interface Presented {
  /** The token, alone or with its discharges behind it. */
  readonly text: string;
  /** Further discharges. */
  readonly discharges: readonly string[];
  /** The platform that asks; undefined for a holder, with possession as the only credential. */
  readonly platform: string | undefined;
}

/** A token that could not be verified. Its caveats were not read, and nothing is said of them. */
export interface NotVerified {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly detail: string;
}

/** The outcome of verifying a bundle: every signature is right under this root key, or the reason why not. */
export type BundleVerification =
  | { readonly ok: true; readonly bundle: VerifiedBundle; readonly rootKey: RootKey }
  | NotVerified;

/** Verifies bundles: checks every signature, and then reads the caveats without clearing them. */
export interface BundleVerifier {
  /**
   * Rejects with `unavailable` if the root key could not be looked up.
   *
   * @returns at once what memory knows under a key that is held
   */
  verify(presented: Presented): BundleVerification | Promise<BundleVerification>;
}

/**
 * Finds the root key that an identifier names, if the tokens of the asking platform can be under it. A key that is held is there
 * at once: nearly all are, and to wait would cost every request.
 */
export type FindKey = (
  keyId: string,
  platform: string | undefined,
) => RootKey | undefined | Promise<RootKey | undefined>;

/** The answer to a made-up key, and to the key of another platform: the asker must not learn the difference. */
export const UNKNOWN_KEY = {
  ok: false,
  code: "unknown_key",
  detail: "no key of this platform signed the token",
} as const satisfies NotVerified;

const REFUSED = {
  too_large: { ok: false, code: "too_large", detail: "the token and its discharges exceed the limits" },
  bad_signature: { ok: false, code: "bad_signature", detail: "the token's signature is wrong" },
} as const satisfies Record<string, NotVerified>;

/** A key that signs nothing: what is verified under it is found to be wrong, or comes to nothing. */
const NOBODYS = signingKey(new Uint8Array(32));

/** Makes the search for root keys, in memory first. */
export function createFindKey(rootKeys: Pick<RootKeys, "find" | "held">): FindKey {
  async function lookUp(keyId: string, platform: string | undefined): Promise<RootKey | undefined> {
    // A look-up counts against the asking platform. A holder without a credential guesses on the service's account.
    const rootKey = await rootKeys.find(keyId, platform);
    return isOf(platform, rootKey) ? rootKey : undefined;
  }
  return (keyId, platform) => {
    const held = rootKeys.held(keyId);
    // Another platform's key is looked up like a key that never was: the asker must not learn of it by the time it takes.
    return held !== undefined && isOf(platform, held) ? held : lookUp(keyId, platform);
  };
}

function isOf(platform: string | undefined, key: RootKey | undefined): boolean {
  return platform === undefined || key?.platform === platform;
}

/**
 * Makes a verifier that remembers no bundle.
 *
 * @param spendAsUnknown costs what a key that never was costs: a holder without a credential who gets a signature wrong
 *   must not learn that the key exists
 * @param chain hashes the chains
 * @param readCaveat reads caveats; it may remember those that recur
 */
export function createBundleVerifier(
  findKey: FindKey,
  spendAsUnknown: (keyId: string) => Promise<void> = async () => {},
  chain: ChainHash = nodeChain,
  readCaveat: CaveatReader = createCaveatReader(),
): BundleVerifier {
  const signingKeyOf = createSigningKeys();
  return {
    async verify({ text, discharges: more, platform }) {
      const decoded = decodeAll(text, more);
      if (!decoded.ok) return decoded;
      const { root, discharges } = decoded;
      const identifier = parseIdentifier(root.identifier);
      const finding = identifier && findKey(identifier.keyId, platform);
      const rootKey = finding instanceof Promise ? await finding : finding;
      if (identifier === undefined) return UNKNOWN_KEY;
      // What is under way is long: others have their turns before each part of it, under a key that never was, too.
      const size = more.reduce((sum, { length }) => sum + length, text.length);
      const isLong = size > SIZE_AT_ONCE || linksOf(root, discharges) > LINKS_AT_ONCE;
      if (isLong) await nextTurn();
      if (rootKey === undefined) {
        // As much is hashed as under a key that exists: a holder without a credential must not learn of it by the time.
        if (platform === undefined) await verifyInTurns({ root, discharges, rootKey: NOBODYS, chain });
        return UNKNOWN_KEY;
      }

      const options = { root, discharges, rootKey: signingKeyOf(rootKey.key), chain };
      // A discharge may be tried under several keys, and then takes far longer than its links say.
      const isShort = !isLong && discharges.length === 0;
      const verification = isShort ? verify(options) : await verifyInTurns(options);
      if (!verification.ok) {
        if (platform === undefined) await spendAsUnknown(identifier.keyId);
        return REFUSED[verification.code];
      }
      const { macaroon } = verification;
      const readNow = (chain: VerifiedChain) => conditionsOf(chain, readCaveat);
      const readChain = isLong ? await readInTurns(macaroon, readCaveat) : readNow;
      const bundle = readBundle(identifier, macaroon, readChain);
      if (isLong) await nextTurn();
      if (isLong && platform !== undefined) {
        // It is the same whenever it is made before the token's end, and then it is not made in one piece with the verdict.
        summaryOf(bundle, bundle.issuedAt);
        await nextTurn();
      }
      return { ok: true, bundle, rootKey };
    },
  };
}

/** Links and characters of a bundle up to which it is verified, read and cleared in one go. */
const LINKS_AT_ONCE = 500;
const SIZE_AT_ONCE = 16 * 1024;

/** Bytes of caveats that are read in one turn of the event loop: a list of the shortest addresses takes a microsecond for three. */
const READ_TOGETHER = 4 * 1024;

/** Reads the caveats of a long bundle so that it holds up nobody. @returns finds those of a chain */
async function readInTurns(
  macaroon: VerifiedMacaroon,
  readCaveat: CaveatReader,
): Promise<(chain: VerifiedChain) => readonly Condition[]> {
  const good = macaroon.discharges.filter((discharge) => discharge.state === "good");
  const read = new Map<VerifiedChain, readonly Condition[]>();
  let bytes = READ_TOGETHER;
  for (const chain of [macaroon, ...good]) {
    const conditions: Condition[] = [];
    for (const caveat of chain.caveats) {
      bytes += caveat.id.length;
      if (bytes > READ_TOGETHER) {
        await nextTurn();
        bytes = caveat.id.length;
      }
      conditions.push(conditionOf(caveat, readCaveat));
    }
    read.set(chain, conditions);
  }
  return (chain) => read.get(chain) ?? [];
}

/** Verifies a bundle so that it holds up nobody: others have turns between its macaroons. */
async function verifyInTurns(options: VerifyOptions): Promise<Verification> {
  const steps = verifyInSteps(options);
  let done = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    done += step.value;
    if (done < LINKS_AT_ONCE) continue;
    await nextTurn();
    done = 0;
  }
}

function linksOf(root: UnverifiedMacaroon, discharges: readonly UnverifiedMacaroon[]): number {
  return discharges.reduce(
    (sum, { unverifiedCaveats }) => sum + 1 + unverifiedCaveats.length,
    root.unverifiedCaveats.length,
  );
}

type Decoded =
  | {
      readonly ok: true;
      readonly root: UnverifiedMacaroon;
      readonly discharges: readonly UnverifiedMacaroon[];
    }
  | NotVerified;

function decodeAll(text: string, more: readonly string[]): Decoded {
  const size = more.reduce((sum, { length }) => sum + length, text.length);
  if (size > LIMITS.bundleBytes) {
    return {
      ok: false,
      code: "too_large",
      detail: `the token and its discharges exceed ${LIMITS.bundleBytes} bytes`,
    };
  }
  const decoded = decodeBundle(text);
  if (!decoded.ok) return { ...decoded, detail: `the token cannot be read: ${decoded.detail}` };
  const root = decoded.macaroons[0];
  const discharges: UnverifiedMacaroon[] = decoded.macaroons.slice(1);
  for (let index = 0; index < more.length; index++) {
    const extra = decodeBundle(more[index] as string);
    if (!extra.ok) return { ...extra, detail: `discharge ${index} cannot be read: ${extra.detail}` };
    discharges.push(...extra.macaroons);
  }
  return { ok: true, root, discharges };
}

/** Derives signing keys once each. They are held by the root key's secret, and go when that goes. */
function createSigningKeys(): (key: Secret) => SigningKey {
  const derived = new WeakMap<Secret, SigningKey>();
  return (key) => {
    let signing = derived.get(key);
    if (signing === undefined) {
      signing = signingKey(key.reveal(), nodeHmac);
      derived.set(key, signing);
    }
    return signing;
  };
}
