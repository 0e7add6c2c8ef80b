import type { RootKey } from "../../../src/domain/keys/root-keys.ts";
import { Secret } from "../../../src/domain/keys/secret.ts";
import {
  addThirdPartyCaveat,
  attenuate,
  bind,
  mint,
  revocationId,
  type UnverifiedMacaroon,
} from "../../../src/macaroon/index.ts";
import { printIdentifier } from "../../../src/words/identifier.ts";
import type { Choices } from "../choices.ts";

/** A root macaroon, then its discharges. */
export type Macaroons = readonly [root: UnverifiedMacaroon, ...discharges: UnverifiedMacaroon[]];

/** The platform that asks about every bundle. */
export const PLATFORM = "default";
/** When they are asked about, unix milliseconds. */
export const NOW = Date.parse("2026-11-28T12:00:00Z");

/** Good bundles, and the keys under which they are good. */
export interface Corpus {
  readonly bundles: readonly Macaroons[];
  readonly keys: ReadonlyMap<string, RootKey>;
}

const LOCATION = "http://127.0.0.1:8080";
const KEYS = ["kkkkkkkkkkkkkkkA", "kkkkkkkkkkkkkkkQ", "kkkkkkkkkkkkkkkg"];
const HOLDERS = [
  "action in read, list",
  "agent = a#1",
  "agent = b/c#2",
  "resource matches repo:acme/**",
  "depth <= 4",
];

/**
 * Makes good bundles of several people under two keys of a platform and one of another platform: parents with their
 * children and grandchildren, siblings, and discharges that are bound, tied to an ancestor or nested.
 */
export function makeCorpus(choices: Choices): Corpus {
  const keys = new Map<string, RootKey>();
  const secrets = KEYS.map(() => choices.bytes(32));
  for (const [at, id] of KEYS.entries()) {
    const platform = at === 2 ? "another" : PLATFORM;
    keys.set(id, {
      id,
      platform,
      key: new Secret(secrets[at] ?? choices.bytes(32)),
      activeFrom: 0,
      retiredAt: null,
    });
  }
  const bundles: Macaroons[] = [];

  /** A third-party caveat of a macaroon, and what discharges it. */
  function gated(macaroon: UnverifiedMacaroon) {
    const caveatKey = choices.bytes(24);
    const ticket = choices.bytes(40);
    const options = { location: "https://third.example", ticket, caveatKey, nonce: choices.bytes(24) };
    const narrowed = addThirdPartyCaveat(macaroon, options);
    return {
      narrowed,
      discharge: mint({ rootKey: caveatKey, identifier: ticket, location: options.location }),
    };
  }

  for (let person = 0; person < 9; person++) {
    const at = person % 3;
    const tokenId = `019aca80-0000-7000-8000-${String(person).padStart(12, "0")}`;
    const principalId = `${"p".repeat(14)}${person}A`;
    const identifier = printIdentifier({ keyId: KEYS[at] ?? "", tokenId, principalId, issuedCaveats: 2 });
    const minted = mint({ rootKey: secrets[at] ?? choices.bytes(32), identifier, location: LOCATION });
    const root = attenuate(minted, ["time < 2026-12-20T00:00:00Z", "tool in search, fetch"]);
    // One of another platform is never good here: it is what others are mixed with.
    const keep = (...bundle: Macaroons) => void bundles.push(bundle);
    let link = root;
    keep(link);
    for (const caveat of HOLDERS.slice(0, 1 + (person % HOLDERS.length))) {
      link = attenuate(link, [caveat]);
      keep(link);
    }
    keep(attenuate(root, ["action in read", "agent = sibling#1"]));

    const one = gated(link);
    keep(one.narrowed, bind(one.narrowed, one.discharge));
    const further = attenuate(one.narrowed, ["agent = last#9"]);
    keep(further, bind(further, attenuate(one.discharge, ["time < 2026-12-19T00:00:00Z"])));
    const tied = attenuate(one.discharge, [`ancestor = ${revocationId(root.signature).text}`]);
    keep(further, tied);
    // It is tied to the root, and so it serves each link below that has the ticket.
    keep(one.narrowed, tied);
    const two = gated(one.narrowed);
    const inner = gated(two.discharge);
    const others = [bind(two.narrowed, inner.narrowed), bind(two.narrowed, inner.discharge)];
    keep(two.narrowed, bind(two.narrowed, one.discharge), ...others);
    keep(two.narrowed, tied, ...others);
  }
  return { bundles, keys };
}

const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? "-" : Buffer.from(bytes).toString("latin1");

/** All of a macaroon that its signature covers, and the signature. */
export function signedPart({ identifier, unverifiedCaveats, signature }: UnverifiedMacaroon): string {
  const caveats = unverifiedCaveats.map(({ id, verificationId }) => [text(id), text(verificationId)]);
  return JSON.stringify([text(identifier), caveats, text(signature)]);
}

/** All of a bundle that is signed. In which order the discharges stand says nothing. */
export function signedParts([root, ...discharges]: Macaroons): string {
  return JSON.stringify([signedPart(root), ...discharges.map(signedPart).sort()]);
}
