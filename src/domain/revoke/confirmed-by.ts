import type { ConfirmationsOf, DischargeRequestStore } from "../ports/discharge-requests.ts";
import type { NewRevocation, RevocationScope } from "../ports/revocations.ts";

/** People that are looked for in one statement. */
const LOOKED_FOR_TOGETHER = 500;

/** A discharge that rests on the word of a person in an entry. */
interface Resting {
  /** The place of that entry. */
  readonly place: number;
  /** Names the request, and with it its discharge. */
  readonly approvalId: string;
  /** The scope and the author of the entry that ends it. */
  readonly scope: RevocationScope;
  readonly author: string;
}

function askedFor({ target, scope }: NewRevocation, place: number): readonly ConfirmationsOf[] {
  if (target.kind !== "principal" && target.kind !== "principal_id") return [];
  const person =
    target.kind === "principal"
      ? { issuer: target.issuer, subject: target.subject, principalId: null }
      : { issuer: null, subject: null, principalId: target.id };
  const own = scope.kind === "principal" ? { issuer: scope.issuer, subject: scope.subject } : null;
  const platform = scope.kind === "platform" ? scope.platform : null;
  return [{ place, ...person, platform, own, spokeBefore: target.issuedBefore }];
}

/** A person takes back their own word for anybody's token, as an approver does; others within the scope of their entry. */
function reachOf({ scope, author }: NewRevocation, platform: string | null) {
  if (scope.kind !== "principal") return { scope, author };
  return { scope: platform === null ? ALL : ({ kind: "platform", platform } as const), author: "approver" };
}

const ALL: RevocationScope = { kind: "all" };

/**
 * Finds the living discharges that rest on the word of people in entries, so that they end with the person. A discharge says
 * nothing of its people: it ends by the name of its request. The log must be held, so that nothing is confirmed between
 * this look and the entries.
 *
 * @param now unix milliseconds, by the database's clock
 */
export async function restingOn(
  requests: Pick<DischargeRequestStore, "confirmedBy">,
  entries: readonly NewRevocation[],
  now: number,
): Promise<readonly Resting[]> {
  const asked = entries.flatMap(askedFor);
  const resting: Resting[] = [];
  for (let at = 0; at < asked.length; at += LOOKED_FOR_TOGETHER) {
    const found = await requests.confirmedBy(asked.slice(at, at + LOOKED_FOR_TOGETHER), now);
    for (const { place, id, platform } of found) {
      const entry = entries[place];
      if (entry !== undefined) resting.push({ place, approvalId: id, ...reachOf(entry, platform) });
    }
  }
  return resting;
}
