import type { Place } from "../words/states.ts";
import type { BudgetView } from "./budget-view.ts";
import type { Caller } from "./caller.ts";
import type { RevocationFacts } from "./revocation-facts.ts";

/** A part of a tree: the caveats from the link above it down to one link, and the calls that were made with that link. */
export interface TreePart {
  /** Of its last link. */
  readonly revocationId: string;
  /** The nearest agent at or above it, a name that a holder claims; null before the first. */
  readonly agent: string | null;
  /** The place of its caveats. Behind the issued ones they are holders' words. */
  readonly placed: Place;
  readonly caveats: readonly string[];
  /** Unix milliseconds; null if it was never seen. */
  readonly firstSeen: number | null;
  readonly lastSeen: number | null;
  /** Calls with this very link. */
  readonly allowed: number;
  /** With this link, or with one below it that no call was ever allowed. */
  readonly refused: number;
  /** Null while it lives; `facts` as far as they could be told. */
  readonly revoked: { readonly revocationId: string; readonly facts: RevocationFacts | undefined } | null;
  readonly budgets: readonly BudgetView[];
}

export interface TreeNode extends TreePart {
  readonly children: readonly TreeNode[];
}

/** The links of one token that verify has seen. */
export interface TokenTree {
  readonly tokenId: string;
  readonly root: TreeNode;
  /** Whether all that was seen is told. */
  readonly complete: boolean;
  /** Unix milliseconds. */
  readonly asOf: number;
}

/** One link that verify has seen. */
export interface LinkView extends TreePart {
  readonly tokenId: string;
  readonly platform: string;
  /** Agents from the root down to it. */
  readonly agents: readonly string[];
  readonly parent: string | null;
}

/** The trees of tokens, as verify saw them. */
export interface Trees {
  /** Rejects with `not_found` as reading the token does. */
  of(caller: Caller, tokenId: string): Promise<TokenTree>;
  /** Rejects with `not_found` for a link that was never seen and for another's alike. */
  link(caller: Caller, revocationId: string): Promise<LinkView>;
}

/** The effect of a revocation, as far as verify has seen the links. */
export interface WouldStop {
  /** Issued tokens of which something would be stopped. */
  readonly tokens: number;
  /** Links that calls were allowed with. */
  readonly links: number;
  /** The agents at the end of those, each name once; a hundred at most. */
  readonly agents: readonly string[];
  /** Allowed calls with those links, to within five minutes. */
  readonly callsLastHour: number;
  /** When one of them was last seen, unix milliseconds; null if none ever was. */
  readonly lastSeen: number | null;
  /** False if there may be more. */
  readonly complete: boolean;
}
