import type { Revocation, RevocationScope, WideTarget } from "../ports/revocations.ts";
import type { RevocationSubject } from "./revocation-subject.ts";

/** An entry that many tokens can match. */
export type WideRevocation = Revocation & { readonly target: WideTarget };

/** The live entries that many tokens can match: by person, agent, key or platform. */
export interface WideSet {
  add(revocation: WideRevocation): void;
  /** The number of an entry that kills the token, each within its author's scope; undefined without such an entry. */
  covering(subject: RevocationSubject): number | undefined;
  /** Whether an administrator has revoked all tokens of a person from this instant, unix milliseconds. */
  revokesPerson(issuer: string, subject: string, issuedAt: number): boolean;
  /** Whether a platform's root key has been revoked, by an administrator or by its platform. */
  revokesKey(platform: string, keyId: string): boolean;
  /** Forgets entries that cannot match at `now` (unix milliseconds) any more. Pause at each yield, and others can work. */
  sweep(now: number): Generator<void, void>;
  readonly size: number;
}

interface Fence {
  /** Unix milliseconds; infinite if every token is meant. */
  readonly issuedBefore: number;
  readonly lastMatchAt: number;
  readonly number: number;
}

/** By the name in the target, then by scope (and tree): a look-up takes a few steps, however many entries there are. */
type Fences = Map<string, Map<string, Fence>>;

const SWEPT_AT_ONCE = 5_000;

/** One text of two, such that no other two make the same. */
function pair(a: string, b: string): string {
  return `${a.length}:${a}${b}`;
}

function scopeKey(scope: RevocationScope): string {
  switch (scope.kind) {
    case "all":
      return "all";
    case "platform":
    case "link":
      return `${scope.kind}:${scope.platform}`;
    case "principal":
      return `principal:${pair(scope.issuer, scope.subject)}`;
    default:
      return scope satisfies never;
  }
}

/** Makes an empty set. */
export function createWideSet(): WideSet {
  const kinds = {
    principal: new Map() as Fences,
    principal_id: new Map() as Fences,
    agent: new Map() as Fences,
    key_id: new Map() as Fences,
    approval_id: new Map() as Fences,
    platform: new Map() as Fences,
  } satisfies Record<WideTarget["kind"], Fences>;
  let size = 0;

  function named(target: WideTarget): string {
    switch (target.kind) {
      case "principal":
        return pair(target.issuer, target.subject);
      case "principal_id":
      case "key_id":
      case "approval_id":
        return target.id;
      case "agent":
        return target.agent;
      case "platform":
        return target.platform;
      default:
        return target satisfies never;
    }
  }

  return {
    add({ target, scope, lastMatchAt, number }) {
      const fences = kinds[target.kind];
      const name = named(target);
      const tree = target.kind === "agent" && target.tokenId !== null ? `\n${target.tokenId}` : "";
      const key = scopeKey(scope) + tree;
      const issuedBefore = "issuedBefore" in target ? target.issuedBefore : Number.POSITIVE_INFINITY;
      const scopes = fences.get(name) ?? new Map<string, Fence>();
      const known = scopes.get(key);
      if (known === undefined) size += 1;
      // The later instant kills everything that the earlier one does.
      else if (known.issuedBefore >= issuedBefore && known.lastMatchAt >= lastMatchAt) return;
      scopes.set(key, { issuedBefore, lastMatchAt, number });
      fences.set(name, scopes);
    },

    covering(subject) {
      if (size === 0) return undefined;
      let keys: readonly string[] | undefined;

      const among = (scopes: Map<string, Fence> | undefined, inTree = false): number | undefined => {
        if (scopes === undefined) return undefined;
        keys ??= [
          "all",
          `platform:${subject.platform}`,
          `principal:${pair(subject.issuer, subject.subject)}`,
        ];
        for (const key of keys) {
          const fence = scopes.get(key);
          if (fence !== undefined && subject.issuedAt < fence.issuedBefore) return fence.number;
          const inner = inTree ? scopes.get(`${key}\n${subject.tokenId}`) : undefined;
          if (inner !== undefined && subject.issuedAt < inner.issuedBefore) return inner.number;
        }
        return undefined;
      };

      let found =
        among(kinds.platform.get(subject.platform)) ??
        among(kinds.key_id.get(subject.keyId)) ??
        among(kinds.principal_id.get(subject.principalId)) ??
        (kinds.principal.size === 0
          ? undefined
          : among(kinds.principal.get(pair(subject.issuer, subject.subject))));
      for (let i = 0; found === undefined && i < subject.agents.length; i++) {
        found = among(kinds.agent.get(subject.agents[i] ?? ""), true);
      }
      for (let i = 0; found === undefined && i < subject.approvals.length; i++) {
        found = among(kinds.approval_id.get(subject.approvals[i] ?? ""));
      }
      return found;
    },

    revokesPerson(issuer, subject, issuedAt) {
      if (kinds.principal.size === 0) return false;
      const fence = kinds.principal.get(pair(issuer, subject))?.get("all");
      return fence !== undefined && issuedAt < fence.issuedBefore;
    },

    revokesKey(platform, keyId) {
      const scopes = kinds.key_id.get(keyId);
      return scopes !== undefined && (scopes.has("all") || scopes.has(`platform:${platform}`));
    },

    *sweep(now) {
      let looked = 0;
      for (const fences of Object.values(kinds)) {
        for (const [name, scopes] of fences) {
          for (const [key, { lastMatchAt }] of scopes) {
            if (lastMatchAt < now && scopes.delete(key)) size -= 1;
            looked += 1;
            if (looked % SWEPT_AT_ONCE === 0) yield;
          }
          if (scopes.size === 0) fences.delete(name);
        }
      }
    },

    get size() {
      return size;
    },
  };
}
