import type { Policy, PolicyTrial, PolicyTrialResult } from "../../client/index.ts";
import type { Invocation, OptionSpec } from "../command.ts";
import { UsageError } from "../exit.ts";
import { printFacts } from "../page.ts";

/** Who it is that a policy is tried on. */
export const TRIAL_OPTIONS = {
  issuer: { type: "string", value: "URL", help: "try: the issuer; the service's own unless said" },
  kind: { type: "string", value: "KIND", help: "try: person (unless said), workload or id-jag" },
  group: { type: "string", multiple: true, value: "NAME", help: "try: a group" },
  claim: { type: "string", multiple: true, value: "NAME=TEXT", help: "try: a claim of an assertion" },
} as const satisfies Record<string, OptionSpec>;

const KINDS = ["person", "workload", "id-jag"] as const;

function kindOf(text: string | undefined): PolicyTrial["kind"] {
  const kind = KINDS.find((one) => one === text);
  if (text === undefined || kind !== undefined) return kind;
  throw new UsageError(`--kind is ${KINDS.join(", ")}`);
}

function claimOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError("--claim is NAME=TEXT, such as repository=acme/web");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The principal of `platforms try NAME SUBJECT`. @throws UsageError for anything else */
export function trialOf(
  invocation: Invocation,
  [subject]: readonly string[],
  policy: Policy | undefined,
): PolicyTrial {
  if (subject === undefined) throw new UsageError("say whom to try: platforms try NAME SUBJECT");
  const issuer = invocation.text("issuer");
  const kind = kindOf(invocation.text("kind"));
  const groups = invocation.texts("group");
  const claims = invocation.texts("claim").map(claimOf);
  if (claims.length > 0 && (kind ?? "person") === "person") {
    throw new UsageError("--claim goes with --kind workload or id-jag: other people have no claims");
  }
  return {
    ...(issuer !== undefined && { issuer }),
    ...(kind !== undefined && { kind }),
    subject,
    ...(groups.length > 0 && { groups }),
    ...(claims.length > 0 && { claims: Object.fromEntries(claims) }),
    ...(policy !== undefined && { policy }),
  };
}

/** Prints what a principal would get. @returns the exit code */
export function printTrial(invocation: Invocation, result: PolicyTrialResult): number {
  const { admitted, rule, caveats = [], max_ttl, session, passed_over, warnings } = result;
  return printFacts(invocation, result, [
    ["admitted", admitted ? `by rule ${rule}` : "no: no rule matches"],
    ...(max_ttl === undefined ? [] : [["at most", `${max_ttl} s`] as const]),
    ...(session === undefined ? [] : [["renewed for", `${session} s`] as const]),
    ...caveats.map((caveat) => ["caveat", caveat] as const),
    ...passed_over.flatMap(({ rule: place, why }) =>
      why.map(({ member, detail }) => [`not rule ${place}`, `${member}: ${detail}`] as const),
    ),
    ...warnings.map((warning) => ["warning", warning] as const),
  ]);
}
