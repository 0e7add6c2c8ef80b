import { splitAgent } from "../../words/ids.ts";
import type { Allowed, Revocation } from "../answers.ts";
import type { AgentHashes } from "./agent-hashes.ts";

/** The facts of a token that a revocation may name. */
export interface Revocable {
  /** The service's answer about the link that the token descends from. */
  readonly root: Allowed;
  readonly agents: readonly string[];
  /** Of every link, root first. */
  readonly revocationIds: readonly string[];
}

/** The revocations that can concern links that were never shown here. */
export interface Revocations {
  /** Takes in an entry of the log. */
  note(revocation: Revocation): void;
  /**
   * Whether the log may have cut off a descendant of a good link: by one of its own links, or by an agent that it
   * was handed to below. Scopes are not looked at: the service is asked about everything that is not known.
   */
  mayName(root: Allowed, ids: readonly string[], agents: readonly string[]): boolean;
  /** Keeps nothing more, since it is not known any more what the log has named. */
  giveUp(): void;
  /** Whether more was revoked than is kept here, so that nothing can be said of links that were not asked about. */
  readonly isIncomplete: boolean;
  /** Since the log is to be read from its beginning. */
  forgetAll(): void;
}

/** The texts by which an agent of a chain may have been revoked. */
function textsOf(agent: string): readonly string[] {
  return [...new Set([agent, splitAgent(agent).name])];
}

/** @param most links and agents that are kept */
export function createRevocations(most: number, hashes: Pick<AgentHashes, "of">): Revocations {
  const links = new Set<string>();
  /** As `agents`, by the hash of an agent that somebody else named. */
  const hashed = new Map<string, number>();
  /** By agent: chains through it are dead if their root macaroon was issued before this, unix milliseconds. */
  const agents = new Map<string, number>();
  let incomplete = false;

  function noteBefore(among: Map<string, number>, name: string, issuedBefore: string | undefined): void {
    const before = issuedBefore === undefined ? Number.POSITIVE_INFINITY : Date.parse(issuedBefore);
    among.set(name, Math.max(before, among.get(name) ?? Number.NEGATIVE_INFINITY));
  }

  function clear(): void {
    links.clear();
    agents.clear();
    hashed.clear();
  }

  return {
    note({ target }) {
      const { agent, revocation_id: link, opaque } = target;
      if (agent !== undefined) {
        noteBefore(agents, agent, target.issued_before);
      } else if (opaque !== undefined) {
        noteBefore(hashed, opaque.agent_hash, opaque.issued_before);
      } else if (link !== undefined) {
        links.add(link);
      } else if (Object.keys(target).length === 0) {
        // A kind of target that is newer than this library.
        incomplete = true;
      }
      if (links.size + agents.size + hashed.size > most) incomplete = true;
      if (incomplete) clear();
    },

    giveUp() {
      incomplete = true;
      clear();
    },

    mayName(root, ids, named) {
      if (links.size > 0) for (const id of ids) if (links.has(id)) return true;
      if (agents.size + hashed.size === 0 || named.length === 0) return false;
      const issued = Date.parse(root.issued_at);
      const isOver = (before: number | undefined) => before !== undefined && issued < before;
      return named.flatMap(textsOf).some((name) => {
        if (isOver(agents.get(name))) return true;
        if (hashed.size === 0) return false;
        const hash = hashes.of(name);
        return hash === undefined || isOver(hashed.get(hash));
      });
    },

    get isIncomplete() {
      return incomplete;
    },

    forgetAll() {
      clear();
      incomplete = false;
    },
  };
}

/** Whether a revocation may kill a token. */
export function isKilledBy(
  token: Revocable,
  { target }: Revocation,
  hashes: Pick<AgentHashes, "of">,
): boolean {
  const { root } = token;
  const { principal } = root;
  if (target.opaque !== undefined) {
    const { agent_hash, issued_before, token_id } = target.opaque;
    if (token_id !== undefined && token_id !== root.token_id) return false;
    if (Date.parse(root.issued_at) >= Date.parse(issued_before)) return false;
    // Without the key it may be any of them.
    return token.agents.flatMap(textsOf).some((name) => (hashes.of(name) ?? agent_hash) === agent_hash);
  }
  const old =
    target.issued_before === undefined || Date.parse(root.issued_at) < Date.parse(target.issued_before);
  if (target.agent !== undefined) {
    if (target.token_id !== undefined && target.token_id !== root.token_id) return false;
    return (
      old && token.agents.some((agent) => agent === target.agent || splitAgent(agent).name === target.agent)
    );
  }
  if (target.principal !== undefined) {
    const { id, issuer, subject, kind } = target.principal;
    const named =
      id === undefined
        ? issuer === principal.issuer && subject === principal.subject && kind === principal.kind
        : id === principal.id;
    return old && named;
  }
  if (target.platform !== undefined) return old && target.platform === root.platform;
  if (target.revocation_id !== undefined) return token.revocationIds.includes(target.revocation_id);
  if (target.token_id !== undefined) return target.token_id === root.token_id;
  if (target.key_id !== undefined) return target.key_id === root.key_id;
  // An approval's discharge is never known here, since discharged tokens are not; anything newer may kill anything.
  return target.approval_id === undefined;
}
