import { thirdPartyText } from "../caveats/condition.ts";
import type { Allowed, Inspection, Principal, Refused, Verdict } from "../client/index.ts";

/** Columns of texts, as wide as they need to be. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** An instant for people: to the second, in UTC. */
export function moment(at: string | Date): string {
  const text = typeof at === "string" ? at : at.toISOString();
  return text
    .replace(/\.\d+Z$/, "Z")
    .replace("T", " ")
    .replace("Z", " UTC");
}

/** Seconds in the largest unit in which they are a whole number: `5m`, as options take it. */
export function durationText(seconds: number, unit?: string): string {
  const units = { d: 86_400, h: 3600, m: 60, s: 1 };
  for (const [name, length] of Object.entries(units)) {
    if ((unit === undefined || unit === name) && seconds >= length && seconds % length === 0)
      return `${seconds / length}${name}`;
  }
  return unit === undefined ? `${seconds}s` : durationText(seconds);
}

/** A token's own words about itself, in lines. */
export function inspectionLines(seen: Inspection): readonly string[] {
  const { identifier } = seen;
  const facts: [string, string][] = [
    ["allows", seen.summary],
    ["principal id", identifier?.principalId ?? "not known: this macaroon is none of Bakehouse's"],
    ...(identifier === undefined
      ? []
      : ([
          ["token id", identifier.tokenId],
          ["key id", identifier.keyId],
          ["issued", moment(identifier.issuedAt)],
        ] as [string, string][])),
    [
      "expires",
      seen.expiresAt === undefined
        ? "never"
        : `${moment(seen.expiresAt)}${seen.isExpired ? ", it is over" : ""}`,
    ],
    ["location", seen.location ?? "none"],
    ["revocation id", seen.revocationId],
    ["size", `${seen.size} characters, ${seen.caveats.length} caveats, ${seen.discharges.length} discharges`],
  ];
  return [
    ...columns(facts),
    ...chainLines(seen),
    ...seen.discharges.flatMap(({ revocationId, caveats }, index) => [
      `discharge ${index + 1}, revocation id ${revocationId}`,
      ...caveats.map((caveat) => `  ${caveat}`),
    ]),
    ...seen.undischarged.map(({ location }) => `needs a discharge from ${location}`),
    ...seen.warnings.map((warning) => `warning: ${warning}`),
    "Nothing of this is verified: only the service can tell whether the token is good.",
  ];
}

/** Where a caveat stands, in words. @param placed missing in answers of older services */
function placeText(placed: string | null | undefined, agent: string | null): string {
  if (placed === "issued") return "issued";
  if (agent !== null) return `since the hand-over to ${agent}`;
  return placed === "first_holder" ? "by the first holder" : "root";
}

function chainLines({ caveats }: Inspection): readonly string[] {
  const lines: string[] = [];
  let place: string | undefined;
  for (const caveat of caveats) {
    const here = placeText(caveat.placed, caveat.agent);
    if (here !== place) lines.push(here);
    place = here;
    const text = caveat.kind === "third-party" ? thirdPartyText(caveat.text) : caveat.text;
    const note = caveat.kind === "unknown" ? "  (not known: forbids everything)" : "";
    if (text !== `agent = ${caveat.agent}`) lines.push(`  ${text}${note}`);
  }
  return lines;
}

/** A principal: whoever is no person is called what it is. */
export function principalText({ issuer, subject, email, kind, asserted_by }: Principal): string {
  const notes = [
    ...(kind === undefined ? [] : [kind]),
    issuer,
    ...(asserted_by === undefined ? [] : [`by the ${asserted_by}'s word`]),
  ];
  return `${email ?? subject} (${notes.join(", ")})`;
}

/** The same in a table. */
export function shortPrincipal({ subject, email, kind }: Principal): string {
  return `${email ?? subject}${kind === undefined ? "" : ` (${kind})`}`;
}

/** An answer to verify, in lines. */
export function verdictLines(verdict: Verdict): readonly string[] {
  if (verdict.allowed) {
    return [
      "allowed",
      ...columns([
        ["principal", principalText(verdict.principal)],
        ["handed on", verdict.agents.length === 0 ? "never" : verdict.agents.join(" > ")],
        ["allows", verdict.summary],
        ["expires", moment(verdict.expires_at)],
        ["revocation id", verdict.revocation_id],
        ...budgetRows(verdict.budgets),
      ]),
    ];
  }
  return [
    `refused: ${verdict.code}`,
    verdict.detail,
    ...revocationLines(verdict.revocation),
    ...verdict.failures.flatMap(({ agent, placed, caveat, detail }) => [
      `  ${caveat}  [${placeText(placed, agent)}]`,
      `    ${detail}`,
    ]),
    ...verdict.undischarged.map(({ location }) => `  needs a discharge from ${location}`),
  ];
}

/** Which link was revoked, when and by which kind of author. */
function revocationLines(revocation: Refused["revocation"]): readonly string[] {
  if (revocation === undefined) return [];
  const { revocation_id, agent, revoked_at, by, reason, target } = revocation;
  const why = reason === undefined ? "" : `: ${reason}`;
  const approval = target?.approval_id;
  if (approval !== undefined) return [`  withdrawn: approval ${approval}, ${moment(revoked_at)}${why}`];
  const link = `${agent ?? "what was issued"}, link ${revocation_id}`;
  return [`  cut off: ${link}, ${moment(revoked_at)}, ${authorText(by)}${why}`];
}

/** The kind of author of a revocation. */
export function authorText(by: string): string {
  if (by === "administrator") return "by an administrator";
  return by === "holder" ? "by a holder" : `by its ${by}`;
}

/** The budgets of a token that the service allows, and the rest of each, in columns. */
export function budgetRows(budgets: Allowed["budgets"]): readonly (readonly string[])[] {
  return budgets.map(({ caveat, remaining, agent, discharge }) => [
    "budget",
    `${caveat}, ${remaining} left${discharge === undefined ? "" : `, of discharge ${discharge + 1}`}  [${agent ?? "root"}]`,
  ]);
}

/** The target of a revocation, in a line. */
export function targetText(target: Readonly<Record<string, unknown>>): string {
  return Object.entries(target)
    .map(([kind, value]) => `${kind} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
