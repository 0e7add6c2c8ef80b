import { agentText } from "../caveats/caveat.ts";
import { type Condition, compileCaveat } from "../caveats/condition.ts";
import {
  constantTimeEqual,
  defaultHmac,
  encodeBase64Url,
  type Hmac,
  revocationId,
  type UnverifiedMacaroon,
} from "../macaroon/index.ts";
import type { Allowed, Revocation } from "./answers.ts";
import { readIdentifier } from "./identifier.ts";

/** A token whose signature is known to be right, ready to be cleared. */
export interface KnownToken {
  /** What the service said of the link that this token descends from; the same for the whole tree. */
  readonly root: Allowed;
  readonly conditions: readonly Condition[];
  readonly agents: readonly string[];
  /** Of every link, root first. */
  readonly revocationIds: readonly string[];
  /** Characters of memory, roughly. */
  readonly size: number;
}

/** A link whose tail was shown here, by a token that the service has allowed. */
interface KnownLink extends KnownToken {
  readonly macaroon: UnverifiedMacaroon;
}

/** What is known of tokens, bounded, and dropped by what the revocation log names. */
export interface Knowledge {
  /** A token seen before, by its text. */
  seen(text: string): KnownToken | undefined;
  /**
   * Finds a known link that the macaroon descends from, and continues its chain.
   *
   * @returns undefined where there is none, or where the signature is not what the chain comes to
   */
  derive(text: string, macaroon: UnverifiedMacaroon): KnownToken | undefined;
  /** Takes in a token that the service has allowed, unless something may have killed it since it was asked. */
  learn(text: string, macaroon: UnverifiedMacaroon, allowed: Allowed, since: readonly Revocation[]): void;
  /**
   * Forgets all that a revocation may kill, and remembers what it may kill below a known link: a token that is
   * shown here later may have been cut off before. Scopes are not looked at: what is not known is asked.
   */
  apply(revocation: Revocation): void;
  /** Forgets the tokens; what has been revoked stays. */
  forgetTokens(): void;
  /** Forgets the revocations too, since the log is to be read from its beginning. */
  forgetAll(): void;
  readonly size: number;
}

/** What knowledge may take. */
export interface KnowledgeLimits {
  /** Characters of tokens and their caveats, all together. */
  readonly characters: number;
  /** Links and agents that have been revoked. With more, nothing is said of tokens that were not asked about. */
  readonly revocations: number;
}

/** Known links below one root macaroon. */
const MOST_LINKS_OF_ONE = 64;

/** Whether a revocation may kill a token. */
function isKilledBy(token: KnownToken, { target }: Revocation): boolean {
  const { root } = token;
  const { principal } = root;
  const old =
    target.issued_before === undefined || Date.parse(root.issued_at) < Date.parse(target.issued_before);
  if (target.agent !== undefined) {
    if (target.token_id !== undefined && target.token_id !== root.token_id) return false;
    return (
      old && token.agents.some((agent) => agent === target.agent || agent.split("#", 1)[0] === target.agent)
    );
  }
  if (target.principal !== undefined) {
    const { id, issuer, subject } = target.principal;
    const named =
      id === undefined ? issuer === principal.issuer && subject === principal.subject : id === principal.id;
    return old && named;
  }
  if (target.platform !== undefined) return old && target.platform === root.platform;
  if (target.revocation_id !== undefined) return token.revocationIds.includes(target.revocation_id);
  if (target.token_id !== undefined) return target.token_id === root.token_id;
  if (target.key_id !== undefined) return target.key_id === root.key_id;
  // An approval's discharge is never known here, since discharged tokens are not; anything newer may kill anything.
  return target.approval_id === undefined;
}

/** Makes knowledge that is empty. */
export function createKnowledge(limits: KnowledgeLimits, hmac: Hmac = defaultHmac): Knowledge {
  const tokens = new Map<string, KnownToken>();
  const links = new Map<string, KnownLink[]>();
  const revokedLinks = new Set<string>();
  /** Unix milliseconds before which a root macaroon was issued whose chains through the agent are dead. */
  const revokedAgents = new Map<string, number>();
  // Whether something was revoked that is not among them.
  let incomplete = false;
  let size = 0;

  function note({ target }: Revocation): void {
    const { agent, revocation_id: link } = target;
    if (agent !== undefined) {
      const before =
        target.issued_before === undefined ? Number.POSITIVE_INFINITY : Date.parse(target.issued_before);
      revokedAgents.set(agent, Math.max(before, revokedAgents.get(agent) ?? Number.NEGATIVE_INFINITY));
    } else if (link !== undefined) {
      revokedLinks.add(link);
    } else if (Object.keys(target).length === 0) {
      // A kind of target that is newer than this library.
      incomplete = true;
    }
    if (revokedLinks.size + revokedAgents.size > limits.revocations) incomplete = true;
    if (incomplete) {
      revokedLinks.clear();
      revokedAgents.clear();
    }
  }

  function mayBeRevoked(root: Allowed, ids: readonly string[], agents: readonly string[]): boolean {
    if (ids.some((id) => revokedLinks.has(id))) return true;
    if (revokedAgents.size === 0) return false;
    const issued = Date.parse(root.issued_at);
    return agents.some((agent) =>
      [agent, agent.split("#", 1)[0] ?? agent].some((name) => issued < (revokedAgents.get(name) ?? issued)),
    );
  }

  function remember(text: string, token: KnownToken): void {
    forget(text);
    tokens.set(text, token);
    size += token.size;
    // Oldest first: a map keeps the order in which its keys came.
    while (size > limits.characters) {
      const oldest = tokens.keys().next();
      if (oldest.done === true) return;
      forget(oldest.value);
    }
  }

  function forget(text: string): void {
    const token = tokens.get(text);
    if (token === undefined) return;
    tokens.delete(text);
    size -= token.size;
    const { token_id } = token.root;
    const left = links.get(token_id)?.filter((link) => link !== token);
    if (left === undefined) return;
    if (left.length === 0) links.delete(token_id);
    else links.set(token_id, left);
  }

  function forgetTokens(): void {
    tokens.clear();
    links.clear();
    size = 0;
  }

  return {
    seen: (text) => tokens.get(text),

    derive(text, macaroon) {
      if (incomplete) return undefined;
      const tokenId = readIdentifier(macaroon.identifier)?.tokenId;
      const known = tokenId === undefined ? undefined : links.get(tokenId);
      const link = known?.find((candidate) => descends(macaroon, candidate.macaroon));
      if (link === undefined) return undefined;
      const from = link.macaroon.unverifiedCaveats.length;
      let tail = link.macaroon.signature;
      const conditions = [...link.conditions];
      const agents = [...link.agents];
      const revocationIds = [...link.revocationIds];
      for (const caveat of macaroon.unverifiedCaveats.slice(from)) {
        // A third-party caveat needs its discharge, and the key in it: the service's business.
        if (caveat.verificationId !== undefined) return undefined;
        tail = hmac(tail, caveat.id);
        revocationIds.push(revocationId(tail).text);
        const condition = compileCaveat(caveat.id);
        conditions.push(condition);
        if (condition.state === "known" && condition.caveat.kind === "agent") {
          agents.push(agentText(condition.caveat));
        }
      }
      if (!constantTimeEqual(tail, macaroon.signature)) return undefined;
      const ownAgents = agents.slice(link.agents.length);
      if (mayBeRevoked(link.root, revocationIds.slice(from + 1), ownAgents)) return undefined;
      // The tails in between were not shown here, and are not kept.
      const token = { root: link.root, conditions, agents, revocationIds, size: sizeOf(text, conditions) };
      remember(text, token);
      return token;
    },

    learn(text, macaroon, allowed, since) {
      const conditions = macaroon.unverifiedCaveats.map(({ id }) => compileCaveat(id));
      const agents = conditions.flatMap((condition) =>
        condition.state === "known" && condition.caveat.kind === "agent" ? [agentText(condition.caveat)] : [],
      );
      const link: KnownLink = {
        root: allowed,
        conditions,
        agents,
        revocationIds: allowed.revocation_ids,
        macaroon,
        size: sizeOf(text, conditions) + JSON.stringify(allowed).length,
      };
      if (since.some((revocation) => isKilledBy(link, revocation))) return;
      remember(text, link);
      if (!tokens.has(text)) return; // larger than all that may be kept
      const known = [...(links.get(allowed.token_id) ?? []), link];
      // The longest first: the fewest steps are left from there. Of as long ones the latest comes last.
      known.sort((a, b) => b.conditions.length - a.conditions.length);
      // The shortest have the most below them, so a long one has to go.
      if (known.length > MOST_LINKS_OF_ONE) known.shift();
      links.set(allowed.token_id, known);
    },

    apply(revocation) {
      note(revocation);
      for (const [text, token] of tokens) if (isKilledBy(token, revocation)) forget(text);
    },

    forgetTokens,

    forgetAll() {
      forgetTokens();
      revokedLinks.clear();
      revokedAgents.clear();
      incomplete = false;
    },

    get size() {
      return size;
    },
  };
}

/** Whether a macaroon has all that a known one has, byte by byte, and perhaps more behind it. */
function descends(macaroon: UnverifiedMacaroon, known: UnverifiedMacaroon): boolean {
  const own = macaroon.unverifiedCaveats;
  const theirs = known.unverifiedCaveats;
  if (theirs.length > own.length || !equal(macaroon.identifier, known.identifier)) return false;
  // From the end: siblings differ there, by their agent's instance.
  for (let index = theirs.length - 1; index >= 0; index--) {
    const mine = own[index];
    const other = theirs[index];
    if (mine === undefined || other === undefined || mine.verificationId !== undefined) return false;
    if (!equal(mine.id, other.id)) return false;
  }
  return true;
}

/** For what is no secret. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** A condition, an id and their parts weigh a few hundred characters beside the text itself. */
function sizeOf(text: string, conditions: readonly Condition[]): number {
  return text.length * 2 + conditions.length * 400 + 1_000;
}

/** Whether an answer is about this very macaroon, and one that can be known here: no discharges, all of it readable. */
export function isLearnable(macaroons: readonly UnverifiedMacaroon[], allowed: Allowed): boolean {
  const [root, ...discharges] = macaroons;
  if (root === undefined || discharges.length > 0) return false;
  const { unverifiedCaveats: caveats, identifier } = root;
  if (readIdentifier(identifier)?.tokenId !== allowed.token_id) return false;
  if (caveats.some(({ verificationId }) => verificationId !== undefined)) return false;
  if (allowed.revocation_ids.length !== caveats.length + 1 || allowed.budgets.length > 0) return false;
  return allowed.revocation_ids.at(-1) === encodeBase64Url(revocationId(root.signature).bytes);
}
