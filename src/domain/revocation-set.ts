import { REVOCATION_MARGIN } from "./lifetimes.ts";
import type { Revocation, RevocationScope, RevocationTarget } from "./ports/revocations.ts";

/** What is known of a verified token when its revocation is looked up. */
export interface RevocationSubject {
  readonly platform: string;
  readonly issuer: string;
  readonly subject: string;
  readonly tokenId: string;
  /** Of every link from the root to the presented one, and of every discharge's links; base64url. */
  readonly revocationIds: readonly string[];
}

/** The live revocations, in memory. */
export interface RevocationSet {
  add(revocation: Revocation): void;
  /** Whether any entry kills the token, each within its author's scope. */
  matches(subject: RevocationSubject): boolean;
  /** Forgets entries that can match nothing at `now` (unix milliseconds) any more. */
  sweep(now: number): void;
  readonly size: number;
}

interface Entry {
  readonly scope: RevocationScope;
  readonly lastMatchAt: number;
}

function key(target: RevocationTarget): string {
  switch (target.kind) {
    case "revocation_id":
      return Buffer.from(target.id).toString("base64url");
    case "token_id":
      return target.id;
    default:
      return target satisfies never;
  }
}

function covers(scope: RevocationScope, subject: RevocationSubject): boolean {
  switch (scope.kind) {
    case "all":
      return true;
    case "platform":
    case "link":
      return scope.platform === subject.platform;
    case "principal":
      return scope.issuer === subject.issuer && scope.subject === subject.subject;
    default:
      return scope satisfies never;
  }
}

export function createRevocationSet(): RevocationSet {
  const entries = new Map<string, Entry[]>();
  let size = 0;

  return {
    add(revocation) {
      const at = key(revocation.target);
      const same = entries.get(at);
      const entry = { scope: revocation.scope, lastMatchAt: revocation.lastMatchAt };
      if (same === undefined) {
        entries.set(at, [entry]);
        size++;
      } else if (!same.some(({ scope }) => sameScope(scope, entry.scope))) {
        same.push(entry);
        size++;
      }
    },

    matches(subject) {
      const kills = (at: string) => entries.get(at)?.some(({ scope }) => covers(scope, subject)) ?? false;
      return kills(subject.tokenId) || subject.revocationIds.some(kills);
    },

    sweep(now) {
      for (const [at, same] of entries) {
        const live = same.filter(({ lastMatchAt }) => lastMatchAt + REVOCATION_MARGIN > now);
        size -= same.length - live.length;
        if (live.length === 0) entries.delete(at);
        else if (live.length < same.length) entries.set(at, live);
      }
    },

    get size() {
      return size;
    },
  };
}

function sameScope(a: RevocationScope, b: RevocationScope): boolean {
  switch (a.kind) {
    case "all":
      return b.kind === "all";
    case "platform":
    case "link":
      return b.kind === a.kind && b.platform === a.platform;
    case "principal":
      return b.kind === "principal" && b.issuer === a.issuer && b.subject === a.subject;
    default:
      return a satisfies never;
  }
}
