import { hash } from "node:crypto";

import { roleOf } from "../credential-role.ts";
import { REVOCATION_MARGIN } from "../parts/lifetimes.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { LinkGroup, LinkTarget, Revocation, RevocationScope } from "../ports/revocations.ts";
import type { RevocationSubject } from "./revocation-subject.ts";
import { createWideSet, type WideRevocation } from "./revoked-groups.ts";
import { createLinkSet, LINK_SEED_BYTES } from "./revoked-links.ts";

/** The live revocations, in memory. The cost of a look-up does not depend on their number. */
export interface RevocationSet {
  add(revocation: Revocation): void;
  addLinks(group: LinkGroup): void;
  /** Makes room for about so many entries by id. */
  reserve(entries: number): void;
  /** Whether any entry kills the token, each within its author's scope. */
  matches(subject: RevocationSubject): boolean;
  /** Those of the token's links that an entry kills, each within its author's scope: the topmost, so many at most. */
  deadLinks(subject: RevocationSubject, most: number): readonly Uint8Array[];
  /** The number of an entry by person, agent, key or platform that kills the token; undefined without such an entry. */
  wideMatch(subject: RevocationSubject): number | undefined;
  /** Whether an administrator has revoked all tokens of a person from this instant, unix milliseconds. */
  revokesPerson(issuer: string, subject: string, issuedAt: number): boolean;
  /** Whether a platform's root key has been revoked. */
  revokesKey(platform: string, keyId: string): boolean;
  /**
   * Forgets entries that could match nothing an hour before `now` (unix milliseconds). Pause at each yield, and
   * others can work.
   */
  sweep(now: number): Generator<void, void>;
  readonly size: number;
}

const SECRET_BYTES = 32;

/** Reads a canonical UUID's 16 bytes. */
function readUuid(text: string, into: Uint8Array): void {
  for (let at = 0, i = 0; i < 16; i++) {
    if (text.charCodeAt(at) === 0x2d) at += 1;
    into[i] = (nibble(text.charCodeAt(at)) << 4) | nibble(text.charCodeAt(at + 1));
    at += 2;
  }
}

function nibble(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}

function isWide(revocation: Revocation): revocation is WideRevocation {
  return revocation.target.kind !== "revocation_id" && revocation.target.kind !== "token_id";
}

/** Makes an empty set. */
export function createRevocationSet(randomness: Randomness): RevocationSet {
  const links = createLinkSet(randomness.bytes(LINK_SEED_BYTES));
  const wide = createWideSet();
  const secret = Buffer.from(randomness.bytes(SECRET_BYTES)).toString("base64url");
  const uuid = new Uint8Array(16);

  /**
   * The tag of a scope and a kind of target, kept beside each id: 32 bits of a hash under a secret, so that nobody can
   * choose a scope that passes for another one.
   */
  function tagOf(scope: RevocationScope, kind: LinkTarget["kind"]): number {
    const { kind: within, ...named } = scope;
    const text = JSON.stringify([secret, kind, within, ...Object.entries(named).sort()]);
    return hash("sha256", text, "buffer").readUInt32LE(0);
  }

  /** Accepts the tags of the scopes that cover the subject. They are made only once an id was found. */
  function covers(subject: RevocationSubject, kind: LinkTarget["kind"]): (tag: number) => boolean {
    let tags: readonly number[] | undefined;
    return (tag) => {
      const { platform, issuer, subject: human } = subject;
      // A platform's credentials are of the reserved platform, and the platform's own all the same.
      const owner = roleOf(subject)?.platform;
      tags ??= [
        ...(owner === undefined ? [] : [tagOf({ kind: "platform", platform: owner }, kind)]),
        tagOf({ kind: "all" }, kind),
        tagOf({ kind: "platform", platform }, kind),
        tagOf({ kind: "link", platform }, kind),
        tagOf({ kind: "principal", issuer, subject: human }, kind),
      ];
      return tags.includes(tag);
    };
  }

  function linkMatches(subject: RevocationSubject): boolean {
    readUuid(subject.tokenId, uuid);
    if (links.has(uuid, 0, covers(subject, "token_id"))) return true;
    return deadLinks(subject, 1).length > 0;
  }

  function deadLinks(subject: RevocationSubject, most: number): readonly Uint8Array[] {
    const accepts = covers(subject, "revocation_id");
    const dead: Uint8Array[] = [];
    for (const id of subject.revocationIds) {
      if (!links.has(id, 0, accepts)) continue;
      dead.push(id);
      if (dead.length >= most) break;
    }
    return dead;
  }

  return {
    add(revocation) {
      if (isWide(revocation)) {
        wide.add(revocation);
        return;
      }
      const { scope, target, lastMatchAt } = revocation;
      if (target.kind === "token_id") readUuid(target.id, uuid);
      else if (target.kind === "revocation_id") uuid.set(target.id);
      else throw new Error("a target is neither a link nor wide");
      links.add(uuid, 0, tagOf(scope, target.kind), lastMatchAt);
    },

    addLinks({ scope, kind, lastMatchAt, ids }) {
      const tag = tagOf(scope, kind);
      for (let offset = 0; offset < ids.length; offset += 16) links.add(ids, offset, tag, lastMatchAt);
    },

    reserve: links.reserve,
    matches: (subject) => linkMatches(subject) || wide.covering(subject) !== undefined,
    deadLinks,
    wideMatch: (subject) => wide.covering(subject),
    revokesPerson: wide.revokesPerson,
    revokesKey: (platform, keyId) => wide.revokesKey(platform, keyId),

    *sweep(now) {
      yield* links.sweep(now - REVOCATION_MARGIN);
      yield* wide.sweep(now - REVOCATION_MARGIN);
    },

    get size() {
      return links.size + wide.size;
    },
  };
}
