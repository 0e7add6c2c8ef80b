import { z } from "zod";

import type { AuditFilter, AuditTreeStore, RecordedEvent } from "../../domain/ports/audit.ts";
import type { Run } from "../engine/connection.ts";
import {
  isStorable,
  nullable,
  type Row,
  readInstant,
  readInteger,
  readText,
  writeInstant,
} from "../engine/values.ts";
import { readJson } from "./json.ts";

/** Events that one call looks at: a filter that matches nothing costs no more than that. */
const LOOKED_AT = 5_000;

const members = z.record(z.string(), z.unknown());

/** What a filter asks of an event; `$` is the value's parameter. */
const CONDITIONS = {
  actor:
    "(e.actor ->> 'subject' = $ or e.actor ->> 'tokenId' = $ or e.actor ->> 'role' = $ or e.actor ->> 'kind' = $)",
  principal:
    "(e.details ->> 'principal_id' = $ or e.details ->> 'subject' = $ or (e.details ->> 'target' = 'principal_id' and e.details ->> 'id' = $) or (e.actor ->> 'kind' = 'principal' and e.actor ->> 'subject' = $))",
  agent: "(e.details ->> 'agent' = $ or e.details -> 'agents' ? $)",
  tokenId:
    "(e.details ->> 'token_id' = $ or e.details ->> 'tokenId' = $ or e.details ->> 'tree' = $ or (e.details ->> 'target' = 'token_id' and e.details ->> 'id' = $) or e.actor ->> 'tokenId' = $)",
  revocationId:
    "(e.details ->> 'revocation_id' = $ or e.details ->> 'ancestor' = $ or (e.details ->> 'target' = 'revocation_id' and e.details ->> 'id' = $))",
  action: "e.action = $",
} as const satisfies Partial<Record<keyof AuditFilter, string>>;

/** Lists events. @see AuditTreeStore.list */
export async function listEvents(
  run: Run,
  filter: AuditFilter,
  { limit, after, oldestFirst }: Parameters<AuditTreeStore["list"]>[1],
): ReturnType<AuditTreeStore["list"]> {
  const values: (string | number)[] = [];
  const parameter = (value: string | number) => `$${values.push(value)}`;
  const range: string[] = [];
  if (filter.platform !== undefined) range.push(`a.platform = ${parameter(filter.platform)}`);
  if (filter.from !== undefined) {
    range.push(`a.id >= bakehouse_uuid_floor(${parameter(writeInstant(filter.from))}::timestamptz)`);
  }
  if (filter.to !== undefined) {
    range.push(`a.id < bakehouse_uuid_floor(${parameter(writeInstant(filter.to))}::timestamptz)`);
  }
  if (after !== undefined) range.push(`a.id ${oldestFirst ? ">" : "<"} ${parameter(after)}::uuid`);
  // What an administrator revoked shows their reason, which is nothing for the platform that it concerns.
  const wanted = filter.ownOnly === true ? ["(e.details ->> 'scope') is distinct from 'all'"] : [];
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof typeof CONDITIONS];
    if (value === undefined) continue;
    if (!isStorable(value)) return { items: [], next: undefined };
    wanted.push(condition.replaceAll("$", parameter(value)));
  }
  const order = `order by id ${oldestFirst ? "asc" : "desc"}`;
  const looked = `select a.* from audit_events as a ${where(range)} ${order} limit ${LOOKED_AT}`;
  const text = `
    with looked as materialized (${looked}),
    found as materialized (select e.* from looked as e ${where(wanted)} ${order} limit ${limit + 1})
    select f.id::text as id, f.at::text as at, f.action, f.actor, f.platform, f.details,
      n.tree, n.number, null::bigint as seen, null::text as last
    from found as f left join audit_leaves as n on n.event_id = f.id
    union all
    select null, null, null, null, null, null, null, null, count(*),
      (select id::text from looked ${oldestFirst ? "order by id desc" : "order by id asc"} limit 1)
    from looked`;
  const rows = await run("auditTrees.list", (session) => session.query(text, values));
  const summary = rows.find((row) => row["id"] === null);
  const found = rows
    .filter((row) => row["id"] !== null)
    .map(toEvent)
    .sort((a, b) => (a.id < b.id === oldestFirst ? -1 : 1));
  const items = found.slice(0, limit);
  const end = items.at(-1);
  if (found.length > limit && end !== undefined) return { items, next: end.id };
  const isMore = readInteger(summary?.["seen"] ?? 0) === LOOKED_AT;
  return { items, next: isMore ? readText(summary?.["last"]) : undefined };
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}

function toEvent(row: Row): RecordedEvent {
  const number = nullable(readInteger)(row["number"]);
  return {
    id: readText(row["id"]),
    at: readInstant(row["at"]),
    action: readText(row["action"]),
    actor: readJson("audit.actor", members, row["actor"]),
    platform: nullable(readText)(row["platform"]),
    details: readJson("audit.details", members, row["details"]),
    place: number === null ? undefined : { tree: readInteger(row["tree"]), index: number },
  };
}
