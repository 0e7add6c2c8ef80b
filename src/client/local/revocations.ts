import { splitAgent } from "../../words/ids.ts";
import type { Allowed, Revocation } from "../answers.ts";

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
  /** Whether more was revoked than is kept here, so that nothing can be said of links that were not asked about. */
  readonly isIncomplete: boolean;
  /** Since the log is to be read from its beginning. */
  forgetAll(): void;
}

/** @param most links and agents that are kept */
export function createRevocations(most: number): Revocations {
  const links = new Set<string>();
  /** By agent: chains through it are dead if their root macaroon was issued before this, unix milliseconds. */
  const agents = new Map<string, number>();
  let incomplete = false;

  return {
    note({ target }) {
      const { agent, revocation_id: link } = target;
      if (agent !== undefined) {
        const before =
          target.issued_before === undefined ? Number.POSITIVE_INFINITY : Date.parse(target.issued_before);
        agents.set(agent, Math.max(before, agents.get(agent) ?? Number.NEGATIVE_INFINITY));
      } else if (link !== undefined) {
        links.add(link);
      } else if (Object.keys(target).length === 0) {
        // A kind of target that is newer than this library.
        incomplete = true;
      }
      if (links.size + agents.size > most) incomplete = true;
      if (incomplete) {
        links.clear();
        agents.clear();
      }
    },

    mayName(root, ids, named) {
      if (links.size > 0) for (const id of ids) if (links.has(id)) return true;
      if (agents.size === 0 || named.length === 0) return false;
      const issued = Date.parse(root.issued_at);
      return named.some((agent) =>
        [agent, splitAgent(agent).name].some((name) => issued < (agents.get(name) ?? issued)),
      );
    },

    get isIncomplete() {
      return incomplete;
    },

    forgetAll() {
      links.clear();
      agents.clear();
      incomplete = false;
    },
  };
}

/** Whether a revocation may kill a token. */
export function isKilledBy(token: Revocable, { target }: Revocation): boolean {
  const { root } = token;
  const { principal } = root;
  const old =
    target.issued_before === undefined || Date.parse(root.issued_at) < Date.parse(target.issued_before);
  if (target.agent !== undefined) {
    if (target.token_id !== undefined && target.token_id !== root.token_id) return false;
    return (
      old && token.agents.some((agent) => agent === target.agent || splitAgent(agent).name === target.agent)
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
