import { encodeBase64Url } from "../../macaroon/index.ts";
import type { Caller } from "../caller.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { authorKind, killerSeenBy, type RevocationFacts, toldReason } from "../revocation-facts.ts";
import { type GrownLink, handOvers } from "./grow.ts";

/** Entries that are looked up for one tree. Of links beyond, that they are dead is told and not why. */
const MOST_ENTRIES = 100;

/** The topmost dead link of a branch, and the entry that killed it. */
export interface Death {
  readonly revocationId: string;
  readonly agent: string | null;
  readonly depth: number;
  /** The entry's name among those that are looked up. */
  readonly by: string;
}

/** The deaths in one tree, as one caller may see them. */
export interface Deaths {
  /** @returns undefined for a link that lives, unless one above it is dead */
  of(link: GrownLink): Death | undefined;
  /** Looks up the entries behind the deaths that were asked for. */
  learn(): Promise<void>;
  factsOf(death: Death): RevocationFacts | undefined;
}

/** @param isDead whether all of the token is dead without an entry */
export function createDeaths(options: {
  readonly store: Pick<Store, "revocations">;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked" | "deadLinks" | "wideMatch" | "position">;
  readonly agentKeys: AgentKeys;
  readonly caller: Caller;
  readonly entry: TokenWithPrincipal;
  readonly isDead: boolean;
}): Deaths {
  const { store, knowledge, agentKeys, caller } = options;
  const { token, principal } = options.entry;
  const lookUps = new Map<string, () => Promise<Revocation | undefined>>();
  const found = new Map<string, Revocation>();

  function note(link: GrownLink): string {
    const ids = knowledge.deadLinks(link.subject, 1);
    const number = ids.length === 0 ? knowledge.wideMatch(link.subject) : undefined;
    const name =
      ids[0] !== undefined ? `link ${encodeBase64Url(ids[0])}` : number === undefined ? "token" : `${number}`;
    lookUps.set(
      name,
      number === undefined
        ? () => store.revocations.covering(token.platform, principal, token.id, ids)
        : () => store.revocations.find(number),
    );
    return name;
  }

  return {
    of(link) {
      const isRoot = link.above === undefined;
      if (!(isRoot && options.isDead) && !knowledge.isRevoked(link.subject)) return undefined;
      const by = note(link);
      const agents = handOvers(link);
      return { revocationId: encodeBase64Url(link.row.link), agent: link.row.agent, depth: agents, by };
    },

    async learn() {
      for (const [name, lookUp] of [...lookUps].slice(0, MOST_ENTRIES)) {
        const entry = await lookUp();
        if (entry !== undefined) found.set(name, entry);
      }
    },

    factsOf({ revocationId, agent, depth, by }) {
      const entry = found.get(by);
      if (entry === undefined) return undefined;
      const { epoch } = knowledge.position();
      return {
        target: killerSeenBy(caller, entry, { principalId: principal.id, agentKeys, epoch }),
        revocationId,
        agent,
        depth,
        revokedAt: entry.revokedAt,
        by: authorKind(entry),
        reason: toldReason(caller, entry),
      };
    },
  };
}
