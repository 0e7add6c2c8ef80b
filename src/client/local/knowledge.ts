import { createCaveatReader } from "../../caveats/memo.ts";
import {
  type Behind,
  chainOf,
  createLinks,
  decodeBundle,
  defaultHmac,
  defaultSha256,
  encode,
  encodeBase64Url,
  type Hmac,
  Link,
  revocationId,
  type UnverifiedMacaroon,
} from "../../macaroon/index.ts";
import type { Allowed, Revocation } from "../answers.ts";
import { readIdentifier } from "../identifier.ts";
import { createAgentHashes } from "./agent-hashes.ts";
import { createRecent } from "./recent.ts";
import { createRevocations, isKilledBy } from "./revocations.ts";
import { askedToken, type KnownToken, narrowedToken } from "./token.ts";

/** The known tokens, bounded, and dropped by the targets that the revocation log names. */
export interface Knowledge {
  /**
   * A known token: it was seen before, or descends from a link with a tail that was shown here.
   *
   * @returns undefined if it is not known, or if its signature is not the one that the chain comes to
   */
  find(text: string): KnownToken | undefined;
  /** Takes in a token that the service has allowed, unless something may have killed it since it was asked. */
  learn(text: string, allowed: Allowed, since: readonly Revocation[]): void;
  /**
   * Forgets all that a revocation may kill, and remembers the known links that it may kill below: a token that is
   * shown here later may have been cut off before. Scopes are not looked at: the service is asked about the unknown.
   */
  apply(revocation: Revocation): void;
  /** Takes in the key of the agents that the log names by hashes, base64url. */
  learnHashKey(key: string): void;
  /** Forgets the tokens; revocations stay. */
  forgetTokens(): void;
  /** Forgets the revocations too, since the log is to be read from its beginning. */
  forgetAll(): void;
  /** Characters of memory that tokens take, roughly. */
  readonly size: number;
}

/** The room that knowledge may take. */
export interface KnowledgeLimits {
  /** Characters of tokens and their caveats, all together. */
  readonly characters: number;
  /** Links and agents that have been revoked. With more, nothing is said of tokens that were not asked about. */
  readonly revocations: number;
}

interface KnownLink {
  readonly link: Link;
  readonly text: string;
  readonly token: KnownToken;
}

/** Makes knowledge that is empty. @param hmac the portable one unless said */
export function createKnowledge(limits: KnowledgeLimits, hmac?: Hmac): Knowledge {
  const chain = hmac && chainOf(hmac, defaultSha256);
  const index = createLinks<KnownLink>();
  // Apart, so that a flood of tokens that were made from a link never pushes out the link.
  const links = createRecent<KnownLink>(limits.characters / 2, (link) => index.remove(link));
  const derived = createRecent<KnownToken>(limits.characters / 2);
  const readCaveat = createCaveatReader();
  const hashes = createAgentHashes(hmac ?? defaultHmac);
  const revocations = createRevocations(limits.revocations, hashes);

  function derive(text: string): KnownToken | undefined {
    const found = index.find(text) ?? findOtherwiseWritten(text);
    if (found === undefined) return undefined;
    const token = continued(found.known, found.behind);
    if (token === undefined) return undefined;
    links.get(found.known.text);
    // The tails in between were not shown here, and are not kept.
    derived.set(text, token, sizeOf(text, token));
    return token;
  }

  /** Any other spelling than base64url of v2 is read, and written as that. */
  function findOtherwiseWritten(text: string): ReturnType<typeof index.find> {
    if (/^Ag[A-Za-z0-9_-]*$/.test(text)) return undefined;
    const decoded = decodeBundle(text);
    if (!decoded.ok || decoded.macaroons.length > 1) return undefined;
    return index.find(encode(decoded.macaroons[0]));
  }

  function continued({ link, token: from }: KnownLink, behind: Behind): KnownToken | undefined {
    const ids = link.namesBehind(behind, chain)?.map(encodeBase64Url);
    if (ids === undefined) return undefined;
    const token = narrowedToken(from, behind.caveats, ids, readCaveat);
    const ownAgents = token.agents.slice(from.agents.length);
    return revocations.mayName(token.root, ids, ownAgents) ? undefined : token;
  }

  function forgetTokens(): void {
    index.clear();
    links.clear();
    derived.clear();
  }

  return {
    find(text) {
      const seen = derived.get(text) ?? links.get(text)?.token;
      if (seen !== undefined) return seen;
      return revocations.isIncomplete || links.size === 0 ? undefined : derive(text);
    },

    learn(text, allowed, since) {
      const decoded = decodeBundle(text);
      if (!decoded.ok || !isLearnable(decoded.macaroons, allowed)) return;
      const [macaroon] = decoded.macaroons;
      const token = askedToken(macaroon, allowed, readCaveat);
      if (since.some((revocation) => isKilledBy(token, revocation, hashes))) return;
      const link: KnownLink = { link: new Link(macaroon), text, token };
      const size = sizeOf(text, token) + JSON.stringify(allowed).length;
      if (links.set(text, link, size)) index.add(link);
    },

    apply(revocation) {
      revocations.note(revocation);
      for (const [text, token] of derived.entries()) {
        if (isKilledBy(token, revocation, hashes)) derived.delete(text);
      }
      for (const [text, { token }] of links.entries()) {
        if (isKilledBy(token, revocation, hashes)) links.delete(text);
      }
    },

    learnHashKey(key) {
      if (hashes.learn(key)) revocations.giveUp();
    },

    forgetTokens,

    forgetAll() {
      forgetTokens();
      revocations.forgetAll();
      hashes.forget();
    },

    get size() {
      return links.size + derived.size;
    },
  };
}

/** A condition, an id and their parts weigh a few hundred characters beside the text itself. */
function sizeOf(text: string, { conditions }: KnownToken): number {
  return text.length * 2 + conditions.length * 400 + 1_000;
}

/** Whether an answer is about this very macaroon, and one that can be known here: no discharges, all of it readable. */
function isLearnable(macaroons: readonly UnverifiedMacaroon[], allowed: Allowed): boolean {
  const [root, ...discharges] = macaroons;
  if (root === undefined || discharges.length > 0) return false;
  const { unverifiedCaveats: caveats, identifier } = root;
  if (readIdentifier(identifier)?.tokenId !== allowed.token_id) return false;
  if (caveats.some(({ verificationId }) => verificationId !== undefined)) return false;
  if (allowed.revocation_ids.length !== caveats.length + 1 || allowed.budgets.length > 0) return false;
  return allowed.revocation_ids.at(-1) === revocationId(root.signature).text;
}
