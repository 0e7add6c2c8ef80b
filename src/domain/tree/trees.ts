import { type BudgetCaveat, isBudget } from "../../caveats/caveat.ts";
import { placeOf } from "../../caveats/clear.ts";
import { compileCaveat, shownCaveat, thirdPartyText } from "../../caveats/condition.ts";
import { encodeBase64Url, parseRevocationId } from "../../macaroon/index.ts";
import type { BudgetView } from "../budget-view.ts";
import type { Caller } from "../caller.ts";
import { ownToken, requireReader } from "../issue/own-token.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { AgentKeys } from "../parts/agent-hash.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { beginTimeSlice, type TimeSlice } from "../parts/time-slice.ts";
import { payerName } from "../parts/turn.ts";
import { payerOf } from "../payer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import type { AskedBudget, TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { TreeNode, TreePart, Trees } from "../tree-service.ts";
import { limitText, windowOf } from "../verify/bundle-budgets.ts";
import { createDeaths, type Death, type Deaths } from "./deaths.ts";
import { type GrownLink, grow, handOvers, issuedSubject } from "./grow.ts";
import type { Recording } from "./recording.ts";

/** Links of one tree that an answer tells of, and budgets whose rest it tells. */
const MOST_LINKS = 20_000;
const MOST_BUDGETS = 500;

/** Trees a second, and at once, of one asker: a tree may be megabytes, and is put together while others wait. */
const BY_ASKER = { perSecond: 5, burst: 60, maxKeys: 20_000 };

/** Links in a row without a branch, a hand-over or a call of their own: one part of the tree. */
interface Run {
  readonly links: [GrownLink, ...GrownLink[]];
  readonly death: Death | undefined;
  readonly children: Run[];
}

/** A budget of a part, before its rest is known. */
interface PlacedBudget {
  readonly caveat: BudgetCaveat;
  readonly text: string;
  readonly link: Uint8Array;
  readonly agent: string | null;
}

/**
 * Reads the trees that verify has seen.
 *
 * @param trustsDevelopment as verification has it
 */
export function createTrees(options: {
  readonly store: Pick<Store, "tokens" | "links" | "revocations">;
  readonly clock: Clock;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked" | "deadLinks" | "wideMatch" | "position">;
  readonly agentKeys: AgentKeys;
  readonly rootKeys: Pick<RootKeys, "held">;
  readonly recording: Pick<Recording, "flush">;
  readonly trustsDevelopment: boolean;
}): Trees {
  const { store, clock, rootKeys, recording } = options;
  const byAsker = createRateLimit({ clock, ...BY_ASKER });

  function takeTurn(caller: Caller): void {
    if (!byAsker.take(payerName(payerOf(caller))))
      throw new DomainError("rate_limited", "too many trees at once by one caller");
  }

  async function read(entry: TokenWithPrincipal) {
    await recording.flush();
    const asOf = clock.now();
    // One more, by which it is known whether there are others.
    const rows = await store.links.trees([entry.token.id], MOST_LINKS + 1, asOf);
    const links = grow(rows.slice(0, MOST_LINKS), entry, issuedSubject(entry, rootKeys));
    return { links, asOf, complete: rows.length <= MOST_LINKS && links[0].row.whole };
  }

  function isDevelopment({ principal }: TokenWithPrincipal): boolean {
    return principal.development && !options.trustsDevelopment;
  }

  /** The rest of each budget, in their order; fewer if there are very many. */
  async function restOf(platform: string, budgets: readonly PlacedBudget[]): Promise<readonly string[]> {
    const asked = budgets.slice(0, MOST_BUDGETS).map(({ caveat, link }): AskedBudget => {
      return { link, most: mostOf(caveat), window: windowOf(caveat) };
    });
    return store.links.left(platform, asked, clock.now());
  }

  /** One part of the tree, without its budgets. */
  function partOf(entry: TokenWithPrincipal, { links, death }: Pick<Run, "links" | "death">, deaths: Deaths) {
    const [first] = links;
    const last = links.at(-1) ?? first;
    const { row } = last;
    const issued = first.above === undefined;
    const seen = links.some((one) => one.row.allowed + one.row.refused > 0) || last.below.length > 0;
    const part: Omit<TreePart, "budgets"> = {
      revocationId: encodeBase64Url(row.link),
      agent: row.agent,
      placed: issued ? "issued" : placeOf(0, 0, handOvers(last) > 0 ? row.agent : null),
      caveats: issued ? issuedTexts(entry) : links.map((one) => one.row.caveat ?? ""),
      firstSeen: issued && !seen ? null : first.row.firstSeen,
      lastSeen: issued && !seen ? null : row.lastSeen,
      allowed: row.allowed,
      refused: row.refused,
      revoked:
        death === undefined ? null : { revocationId: death.revocationId, facts: deaths.factsOf(death) },
    };
    return { part, budgets: issued ? issuedBudgets(entry, first) : links.flatMap(budgetOf) };
  }

  async function tree(caller: Caller, entry: TokenWithPrincipal) {
    const { links, asOf, complete } = await read(entry);
    const slice = beginTimeSlice(clock);
    const deaths = createDeaths({ ...options, caller, entry, isDead: isDevelopment(entry) });
    const root = await gather(links, deaths, slice);
    await deaths.learn();
    const all = runsOf(root);
    const parts = new Map<Run, ReturnType<typeof partOf>>();
    for (const run of all) {
      if (slice.isOver()) await slice.next();
      parts.set(run, partOf(entry, run, deaths));
    }
    const budgets = [...parts.values()].flatMap((one) => one.budgets);
    const rests = await restOf(entry.token.platform, budgets);
    const left = new Map(budgets.map((budget, place) => [budget, rests[place]]));

    // From the leaves up: children stand behind their parents.
    const made = new Map<Run, TreeNode>();
    for (const run of all.toReversed()) {
      if (slice.isOver()) await slice.next();
      const one = parts.get(run);
      if (one === undefined) throw new Error("a part of a tree was left out");
      const children = run.children.flatMap((child) => made.get(child) ?? []);
      made.set(run, { ...one.part, budgets: viewsOf(one.budgets, left), children });
    }
    return { tokenId: entry.token.id, root: made.get(root) as TreeNode, complete, asOf };
  }

  return {
    async of(caller, tokenId) {
      const entry = await ownToken(store, caller, tokenId);
      takeTurn(caller);
      return tree(caller, entry);
    },

    async link(caller, text) {
      const id = parseRevocationId(text);
      requireReader(caller);
      takeTurn(caller);
      const tokenId = id && (await store.links.treeOf(id.bytes));
      if (id === undefined || tokenId === undefined) throw new DomainError("not_found", "no such link");
      const entry = await ownToken(store, caller, tokenId).catch((error: unknown) => {
        // As of one that was never seen.
        if (error instanceof DomainError && error.code === "not_found")
          throw new DomainError("not_found", "no such link");
        throw error;
      });
      const { links } = await read(entry);
      const found = links.find(({ row }) => encodeBase64Url(row.link) === id.text);
      if (found === undefined) throw new DomainError("not_found", "no such link");
      const deaths = createDeaths({ ...options, caller, entry, isDead: isDevelopment(entry) });
      const chain = chainTo(found);
      let death: Death | undefined;
      for (const one of chain) death ??= deaths.of(one);
      await deaths.learn();
      const span = chain.slice(startOfSpan(chain));
      const { part, budgets } = partOf(entry, { links: span as Run["links"], death }, deaths);
      const rests = await restOf(entry.token.platform, budgets);
      const left = new Map(budgets.map((budget, place) => [budget, rests[place]]));
      return {
        ...part,
        budgets: viewsOf(budgets, left),
        tokenId,
        platform: entry.token.platform,
        agents: chain.flatMap(({ row }) => (row.handsOn && row.agent !== null ? [row.agent] : [])),
        parent: found.row.parent === null ? null : encodeBase64Url(found.row.parent),
      };
    },
  };
}

/** Puts links together into runs. */
async function gather(
  links: readonly [GrownLink, ...GrownLink[]],
  deaths: Deaths,
  slice: TimeSlice,
): Promise<Run> {
  const root: Run = { links: [links[0]], death: deaths.of(links[0]), children: [] };
  const runs = new Map<GrownLink, Run>([[links[0], root]]);
  for (const link of links.slice(1)) {
    if (slice.isOver()) await slice.next();
    const above = link.above && runs.get(link.above);
    if (link.above === undefined || above === undefined) throw new Error("a link stands before its parent");
    const death = above.death ?? deaths.of(link);
    const { row, below } = link.above;
    const goesOn =
      link.above.above !== undefined &&
      below.length === 1 &&
      !link.row.handsOn &&
      row.allowed + row.refused === 0 &&
      death === above.death;
    const run: Run = goesOn ? above : { links: [link], death, children: [] };
    if (goesOn) above.links.push(link);
    else above.children.push(run);
    runs.set(link, run);
  }
  return root;
}

/** All runs of a tree, parents before children. */
function runsOf(root: Run): readonly Run[] {
  const all = [root];
  for (let at = 0; at < all.length; at++) all.push(...(all[at]?.children ?? []));
  return all;
}

function chainTo(link: GrownLink): readonly GrownLink[] {
  const chain: GrownLink[] = [];
  for (let at: GrownLink | undefined = link; at !== undefined; at = at.above) chain.push(at);
  return chain.reverse();
}

/** The place of a chain's last hand-over, or of the first holder's caveats. */
function startOfSpan(chain: readonly GrownLink[]): number {
  const handed = chain.findLastIndex(({ row, above }) => above !== undefined && row.handsOn);
  return handed >= 0 ? handed : Math.min(1, chain.length - 1);
}

function issuedTexts({ token }: TokenWithPrincipal): readonly string[] {
  return token.caveats.map((caveat) =>
    "text" in caveat ? shownCaveat(caveat.text) : thirdPartyText(shownCaveat(caveat.location)),
  );
}

function budgetOf({ row }: GrownLink): readonly PlacedBudget[] {
  return row.caveat === null ? [] : budgetIn(row.caveat, row.link, row.agent);
}

/** A caveat that was escaped or cut is none that parses as a budget. */
function budgetIn(text: string, link: Uint8Array, agent: string | null): readonly PlacedBudget[] {
  const condition = compileCaveat(text);
  if (condition.state !== "known" || !isBudget(condition.caveat)) return [];
  return [{ caveat: condition.caveat, text, link, agent }];
}

/** The budgets that were issued, as far as their links can be computed: a ticket between them is not on record. */
function issuedBudgets({ token }: TokenWithPrincipal, { subject }: GrownLink): readonly PlacedBudget[] {
  const computed = subject.revocationIds.slice(0, -1);
  return token.caveats.flatMap((caveat, index) => {
    const link = computed[index + 1] ?? (index === token.caveats.length - 1 ? token.revocationId : undefined);
    return "text" in caveat && link !== undefined ? budgetIn(caveat.text, link, null) : [];
  });
}

function mostOf(caveat: BudgetCaveat): string {
  return caveat.kind === "spend" ? limitText(caveat) : String(caveat.most);
}

function viewsOf(
  budgets: readonly PlacedBudget[],
  left: ReadonlyMap<PlacedBudget, string | undefined>,
): readonly BudgetView[] {
  return budgets.flatMap((budget) => {
    const remaining = left.get(budget);
    if (remaining === undefined) return [];
    const { caveat, text, link, agent } = budget;
    const revocationId = encodeBase64Url(link);
    return [{ caveat: text, revocationId, agent, limit: limitText(caveat), remaining, discharge: undefined }];
  });
}
