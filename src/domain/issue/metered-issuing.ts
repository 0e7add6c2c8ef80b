import { ISSUED_HOW, type IssuedHow, type Meter } from "../ports/meter.ts";
import type { IssueJob, Issuing } from "./issuing.ts";

/** By whom a token was asked for, or the grant that was redeemed, without the namespace of its name. */
function howOf({ actor, renewal, redeems }: IssueJob): IssuedHow {
  if (renewal !== undefined) return "renewal";
  if (redeems === undefined) return actor.kind === "credential" ? "platform" : "human";
  const grant = redeems.details["grant"]?.split(":").at(-1);
  return ISSUED_HOW.find((how) => how === grant) ?? "other";
}

/** Counts root macaroons that are on record. */
export function meteredIssuing(issue: Issuing, meter: Meter): Issuing {
  return async (job) => {
    const issued = await issue(job);
    meter.issued(howOf(job));
    return issued;
  };
}
