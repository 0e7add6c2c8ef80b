import { agentsOf } from "../../caveats/agents.ts";
import { splitAgent } from "../../words/ids.ts";
import { issuedLinks } from "../issue/minting.ts";
import { conditionOf } from "../issue/token-views.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { ObservedLink, TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevocationSubject } from "../replica/revocation-subject.ts";

/** A link in its tree. */
export interface GrownLink {
  readonly row: ObservedLink;
  readonly above: GrownLink | undefined;
  readonly below: GrownLink[];
  /** The facts that kill this link and none above it; of the issued link, all facts of the token. */
  readonly subject: RevocationSubject;
}

/** The facts of an issued token by which revocations kill it. */
export function issuedSubject(
  { token, principal }: TokenWithPrincipal,
  rootKeys: Pick<RootKeys, "held">,
): RevocationSubject {
  const conditions = token.caveats.map(conditionOf);
  return {
    platform: token.platform,
    issuer: principal.issuer,
    subject: principal.subject,
    principalId: principal.id,
    keyId: token.keyId,
    tokenId: token.id,
    issuedAt: token.issuedAt,
    agents: agentsOf(conditions),
    approvals: [],
    revocationIds: issuedLinks(rootKeys.held(token.keyId), token),
  };
}

/**
 * Puts the links of one tree together, parents before children.
 *
 * @param rows of that tree, parents before children; one whose parent is missing is left out
 * @returns the issued link first
 */
export function grow(
  rows: readonly ObservedLink[],
  entry: TokenWithPrincipal,
  issued: RevocationSubject,
): readonly [GrownLink, ...GrownLink[]] {
  const root: GrownLink = {
    row: rows.find(({ parent }) => parent === null) ?? unseen(entry),
    above: undefined,
    below: [],
    subject: issued,
  };
  const grown: [GrownLink, ...GrownLink[]] = [root];
  const known = new Map([[keyOf(root.row.link), root]]);
  for (const row of rows) {
    const above = row.parent === null ? undefined : known.get(keyOf(row.parent));
    if (above === undefined) continue;
    const agents = row.handsOn && row.agent !== null ? namesOf(row.agent) : [];
    const link = { row, above, below: [], subject: { ...issued, agents, revocationIds: [row.link] } };
    above.below.push(link);
    known.set(keyOf(row.link), link);
    grown.push(link);
  }
  return grown;
}

/** Hand-overs at or above a link. */
export function handOvers(link: GrownLink): number {
  let count = 0;
  for (let at: GrownLink | undefined = link; at !== undefined; at = at.above) if (at.row.handsOn) count += 1;
  return count;
}

/** By the name, and by name and instance. */
function namesOf(agent: string): readonly string[] {
  const { name, instance } = splitAgent(agent);
  return instance === undefined ? [name] : [name, agent];
}

const keyOf = (link: Uint8Array) => Buffer.from(link).toString("latin1");

/** The issued link of a token that verify has never seen. */
function unseen({ token }: TokenWithPrincipal): ObservedLink {
  return {
    tokenId: token.id,
    link: token.revocationId,
    parent: null,
    caveat: null,
    agent: null,
    handsOn: false,
    firstSeen: token.issuedAt,
    lastSeen: token.issuedAt,
    allowed: 0,
    refused: 0,
    lastHour: 0,
    whole: true,
    approvals: [],
  };
}
