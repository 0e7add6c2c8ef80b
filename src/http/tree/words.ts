import { printable } from "../../caveats/values/quote.ts";
import type { TokenTree, TreePart } from "../../domain/tree-service.ts";
import type { Folded } from "./fold.ts";

/** Characters of one text of a holder's or an author's that are shown. */
const MOST_SHOWN = 300;

/** The sentence that stands with every tree: nobody vouches for holders' words. */
export const CLAIMS =
  "The first part is what this service issued. Every name and caveat below it is what a holder claims.";

/** The name of a part. */
export function nameOf({ placed, agent }: TreePart): string {
  if (placed === "issued") return agent === null ? "issued" : `issued, to ${printable(agent, MOST_SHOWN)}`;
  return agent === null ? "first holder" : printable(agent, MOST_SHOWN);
}

/** The caveats of a part in one line. */
export function caveatsLine({ caveats }: TreePart): string {
  return caveats.map((text) => printable(text, MOST_SHOWN)).join(" · ");
}

/** The same for a box, which has the agent's name above. */
export function shortCaveats(part: TreePart): string {
  const caveats = part.caveats.filter((text) => text !== `agent = ${part.agent}`);
  return caveats.length === 0 ? "no further caveat" : caveatsLine({ ...part, caveats });
}

/** The calls of a part in one line. */
export function callsLine({ allowed, refused, lastSeen }: TreePart): string {
  if (allowed + refused === 0) return lastSeen === null ? "no call yet" : "no call of its own";
  const calls = `${allowed} allowed, ${refused} refused`;
  return lastSeen === null ? calls : `${calls}, last ${minute(lastSeen)}`;
}

/** The same for a box. */
export function shortCalls(part: TreePart): string {
  const { allowed, refused, lastSeen } = part;
  if (allowed + refused === 0 || lastSeen === null) return callsLine(part);
  return `${allowed} allowed, ${refused} refused, ${minute(lastSeen).replace(" UTC", "")}`;
}

/** The rest of a part's budgets, in one line; empty without any. */
export function budgetsLine({ budgets }: TreePart): string {
  return budgets
    .map(({ caveat, remaining }) => `${printable(caveat, MOST_SHOWN)}: ${remaining} left`)
    .join(" · ");
}

/** By whom and why a part was revoked; undefined while it lives. */
export function revokedLine(part: TreePart): string | undefined {
  const facts = part.revoked?.facts;
  return facts === undefined ? shortRevoked(part) : `${shortRevoked(part)} (${minute(facts.revokedAt)})`;
}

/** The same without the time, for a box. */
export function shortRevoked({ revoked }: TreePart): string | undefined {
  if (revoked === null) return undefined;
  const { facts } = revoked;
  if (facts === undefined) return "revoked";
  const why = facts.reason === null ? "" : `: ${printable(facts.reason, MOST_SHOWN)}`;
  return `revoked by ${BY[facts.by]}${why}`;
}

const BY = {
  holder: "a holder",
  principal: "its principal",
  platform: "its platform",
  administrator: "an administrator",
} as const;

/** The folded parts, in one line. */
export function foldedLine({ parts, allowed, refused }: Folded): string {
  return `${parts} more ${parts === 1 ? "part" : "parts"}, ${allowed} allowed, ${refused} refused`;
}

/** The head of a tree in one line. */
export function headLine({ tokenId, asOf, complete }: TokenTree): string {
  const rest = complete ? "" : "; more was seen than is recorded";
  return `Token ${tokenId}, as verify saw it until ${minute(asOf)}${rest}`;
}

/** An instant for people, to the minute. @param at unix milliseconds */
function minute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
