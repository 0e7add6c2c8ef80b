import { z } from "zod";

import {
  type IssueStore,
  LINE_LIMITS,
  type NewIssue,
  type Renewal,
  type TokenLine,
  type Who,
} from "../../domain/ports/issues.ts";
import type { Redeeming } from "../../domain/ports/oauth.ts";
import type { Principal } from "../../domain/ports/principals.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { isStorable, readInstant, readInteger, writeInstant, writeText } from "../engine/values.ts";
import { toAuditRow } from "../tables/audit.ts";
import { readJson } from "../tables/json.ts";
import { readPolicy } from "../tables/platforms.ts";
import { familyJson, mortalKeys } from "./rows.ts";

// One look into the index for each: joined as sets, a planner that knows nothing of them reads whole tables.
// The index of people is in the database's own collation, principals are in "C".
const LOOK = `
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
    (select jsonb_object_agg(p.name, p.policy) from jsonb_array_elements_text($1::jsonb) as name
      cross join lateral (select * from platforms where platforms.name = name.value limit 1) as p) as policies,
    (select jsonb_object_agg(who.place, jsonb_build_object(
        'id', p.id, 'email', p.email, 'development', p.development, 'created_at', p.created_at::text,
        'said_at', (select floor(extract(epoch from one.said_at) * 1000)::bigint from people as one
          where one.issuer = p.issuer collate "default" and one.subject = p.subject collate "default" limit 1)))
      from jsonb_to_recordset($2::jsonb) as who (place integer, platform text, issuer text, subject text, asserted_by text)
      cross join lateral (
        select * from principals as one
        where one.platform = who.platform and one.issuer = who.issuer and one.subject = who.subject
          and one.asserted_by = who.asserted_by
        limit 1) as p) as principals`;

const RECORD =
  "select taken, lost, '[]'::jsonb as ended, '[]'::jsonb as gone from public.bakehouse_record_issues($1::jsonb, $2::jsonb, $3::double precision)";

/** As {@link RECORD}, and holds the revocation log: issues that redeem nobody's login need not wait for it. */
const REDEEM =
  "select taken, lost, ended, '[]'::jsonb as gone from public.bakehouse_redeem_issues($1::jsonb, $2::jsonb, $3::double precision)";

/** As {@link REDEEM}, of issues for which codes or refresh tokens are redeemed. */
const REDEEM_GRANTS =
  "select taken, lost, ended, gone from public.bakehouse_redeem_grants($1::jsonb, $2::jsonb, $3::double precision)";

/** As {@link REDEEM_GRANTS}, and uses up the assertions by whose names codes were kept. Each has one code, so none is there before. */
const REDEEM_ASSERTIONS = `
  with done as (
    select taken, lost, ended, gone from public.bakehouse_redeem_grants($1::jsonb, $2::jsonb, $3::double precision)
  ), used as (
    insert into used_assertions (hash, expires_at)
    select decode(i.redeems ->> 'code', 'hex'), (i.redeems ->> 'used_until')::timestamptz
    from done cross join jsonb_to_recordset($1::jsonb) as i (place integer, redeems jsonb)
    where i.redeems ->> 'used_until' is not null
      and not (done.taken || done.lost || done.ended || done.gone) @> to_jsonb(i.place)
  )
  select taken, lost, ended, gone from done`;

/** As {@link REDEEM}, for issues that begin a line of tokens or renew one. */
const RECORD_LINES = `select taken, lost, ended, finished, crowded
  from public.bakehouse_line_issues($1::jsonb, $2::jsonb, $3::double precision)`;

const policiesSchema = z.record(z.string(), z.unknown()).nullable();
const principalsSchema = z
  .record(
    z.string(),
    z.strictObject({
      id: z.string(),
      email: z.string().nullable(),
      development: z.boolean(),
      created_at: z.string(),
      said_at: z.int().nullable(),
    }),
  )
  .nullable();
const placesSchema = z.array(z.number());

/**
 * Issues in the database.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createIssueStore(run: Run, shift: () => number): IssueStore {
  return {
    async look(whos) {
      const names = [...new Set(whos.map(({ platform }) => platform))].filter(isStorable);
      const places = placesOf(whos);
      const asked = [...places.values()].map(({ place, who }) => ({
        place,
        platform: who.platform,
        issuer: who.issuer,
        subject: who.subject,
        asserted_by: who.assertedBy,
      }));
      const [row] = await run("issues.look", (session) =>
        session.query(LOOK, [JSON.stringify(names), JSON.stringify(asked)]),
      );
      if (row === undefined) throw new StorageError("issues.look");
      const policies = readJson("issues.policies", policiesSchema, row["policies"]) ?? {};
      const found = readJson("issues.principals", principalsSchema, row["principals"]) ?? {};
      const of = (who: Who) => found[places.get(keyOf(who))?.place ?? -1];
      return {
        now: readInteger(row["now"]) + shift(),
        policies: new Map(Object.entries(policies).map(([name, policy]) => [name, readPolicy(policy)])),
        principals: whos.map((who): Principal | undefined => {
          const one = of(who);
          if (one === undefined) return undefined;
          const { platform, issuer, subject, assertedBy } = who;
          const { id, email, development, created_at } = one;
          const createdAt = readInstant(created_at);
          return { id, platform, issuer, subject, email, assertedBy, development, createdAt };
        }),
        saidAt: whos.map((who) => of(who)?.said_at ?? undefined),
      };
    },
    async record(issues) {
      // The last word on a person counts, as it would if they came one after the other.
      const newcomers = new Map(
        issues.filter(({ newcomer }) => newcomer).map(({ principal }) => [principal.id, principal]),
      );
      const values = [
        JSON.stringify(issues.map(toIssueRow)),
        JSON.stringify([...newcomers.values()].map(toPrincipalRow)),
        shift(),
      ];
      const [row] = await run("issues.record", (session) => session.query(statementFor(issues), values));
      if (row === undefined) throw new StorageError("issues.record");
      const taken = new Set(readJson("issues.taken", placesSchema, row["taken"]));
      const lost = new Set(readJson("issues.lost", placesSchema, row["lost"]));
      const ended = new Set(readJson("issues.ended", placesSchema, row["ended"]));
      const over = new Set(readJson("issues.finished", placesSchema, row["finished"] ?? []));
      const crowded = new Set(readJson("issues.crowded", placesSchema, row["crowded"] ?? []));
      const gone = new Set(readJson("issues.gone", placesSchema, row["gone"] ?? []));
      return issues.map((_, place) => {
        if (over.has(place)) return "line over";
        if (crowded.has(place)) return "line crowded";
        if (gone.has(place)) return "grant gone";
        if (ended.has(place)) return "login revoked";
        return taken.has(place) ? "principal taken" : lost.has(place) ? "lease lost" : "recorded";
      });
    },
  };
}

function statementFor(issues: readonly NewIssue[]): string {
  const isOfLine = issues.some(({ opens, renewal }) => opens !== undefined || renewal !== undefined);
  const isOfGrant = issues.some(({ redeems }) => redeems !== undefined);
  if (isOfLine && isOfGrant)
    throw new Error("grants are redeemed by one statement, and lines are kept by another");
  if (isOfLine) return RECORD_LINES;
  const usesUp = issues.some(({ redeems }) => redeems?.kind === "code" && redeems.usedUntil !== undefined);
  if (isOfGrant) return usesUp ? REDEEM_ASSERTIONS : REDEEM_GRANTS;
  return issues.some(({ grant }) => grant !== undefined) ? REDEEM : RECORD;
}

/** The grant that is redeemed, as the JSON that the function reads. */
function redeemsJson(redeems: Redeeming) {
  if (redeems.kind === "code") {
    const { code, family, usedUntil } = redeems;
    const hash = Buffer.from(code.hash).toString("hex");
    const used = usedUntil === undefined ? {} : { used_until: writeInstant(usedUntil) };
    return { code: hash, mortal: mortalKeys(code, []), family: familyJson(family), ...used };
  }
  const { before, after } = redeems;
  const hash = before.tokenHash === null ? "" : Buffer.from(before.tokenHash).toString("hex");
  return { before: hash, mortal: mortalKeys(before, before.tokens), family: familyJson(after) };
}

function keyOf({ platform, issuer, subject, assertedBy }: Who): string {
  return JSON.stringify([platform, issuer, subject, assertedBy]);
}

/** Everybody once, without those that have a name that cannot be stored. */
function placesOf(whos: readonly Who[]): ReadonlyMap<string, { readonly place: number; readonly who: Who }> {
  const places = new Map<string, { readonly place: number; readonly who: Who }>();
  for (const who of whos) {
    const key = keyOf(who);
    const storable = [who.platform, who.issuer, who.subject].every(isStorable);
    if (storable && !places.has(key)) places.set(key, { place: places.size, who });
  }
  return places;
}

/** An issue's columns as the JSON that the function reads; bytes are hex, but for the answer. */
function toIssueRow(
  { token, newcomer, event, answer, grant, opens, renewal, redeems }: NewIssue,
  place: number,
) {
  const { id: event_id, platform: event_platform, ...audited } = toAuditRow(event);
  return {
    place,
    newcomer,
    id: token.id,
    platform: writeText(token.platform),
    key_id: writeText(token.keyId),
    principal_id: writeText(token.principalId),
    revocation_id: Buffer.from(token.revocationId).toString("hex"),
    issued_at: writeInstant(token.issuedAt),
    expires_at: writeInstant(token.expiresAt),
    caveats: token.caveats,
    label: token.label === null ? null : writeText(token.label),
    issued_by: token.issuedBy,
    ...audited,
    event_id,
    event_platform,
    ...(grant && {
      issuer: writeText(grant.issuer),
      subject: writeText(grant.subject),
      spoke_at: writeInstant(grant.spokeAt),
    }),
    ...(opens && { opens: toLineRow(opens) }),
    ...(renewal && { renewal: toRenewalRow(renewal) }),
    ...(redeems && { redeems: redeemsJson(redeems) }),
    ...(answer && {
      hash: Buffer.from(answer.hash).toString("hex"),
      lease: writeText(answer.lease),
      sealed: Buffer.from(answer.sealed).toString("base64"),
      life: answer.life,
    }),
  };
}

function toLineRow({ spokeAt, groups, claims, endsAt }: TokenLine) {
  return {
    spoke_at: writeInstant(spokeAt),
    groups: groups.filter(isStorable),
    claims:
      claims &&
      Object.fromEntries(Object.entries(claims).filter((claim) => claim.every((text) => isStorable(text)))),
    ends_at: writeInstant(endsAt),
  };
}

function toRenewalRow(renewal: Renewal) {
  return {
    line: renewal.line,
    predecessor: renewal.predecessor,
    epoch: writeText(renewal.known.epoch),
    known: renewal.known.number,
    spoke_at: writeInstant(renewal.spokeAt),
    issuer: writeText(renewal.issuer),
    subject: writeText(renewal.subject),
    key_id: writeText(renewal.keyId),
    links: renewal.links.map((link) => Buffer.from(link).toString("hex")),
    agents: renewal.agents,
    most: LINE_LIMITS.tokens,
    most_live: LINE_LIMITS.alive,
  };
}

function toPrincipalRow({ id, platform, issuer, subject, email, ...other }: Principal) {
  return {
    id: writeText(id),
    platform: writeText(platform),
    issuer: writeText(issuer),
    subject: writeText(subject),
    email: email === null ? null : writeText(email),
    asserted_by: other.assertedBy,
    development: other.development,
    created_at: writeInstant(other.createdAt),
  };
}
