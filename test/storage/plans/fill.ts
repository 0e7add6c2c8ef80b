import { raw } from "../raw.ts";

/** A person with very many tokens. */
export const BUSY = { issuer: "https://login.example", subject: "busy" } as const;
/** A person with few. */
export const QUIET = { issuer: "https://login.example", subject: "s4711" } as const;
/** The platform of most tokens and revocations. */
export const BUSY_PLATFORM = "p1";
/** A platform with hardly an entry in the log. */
export const QUIET_PLATFORM = "p150";
const PLATFORMS = 200;

/** The `n`th id of a table whose rows are `ago` seconds apart: a UUIDv7, so that the newest lie at the end. */
const uuid = (rows: number, ago: number) => `
  (lpad(to_hex(floor(extract(epoch from now() - (${rows} - n) * interval '${ago} seconds') * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid`;

/**
 * Fills a migrated database as one that has been used for long: a few busy platforms and people, many quiet ones, most
 * rows old.
 *
 * @param rows how many tokens, and as many audit events; two thirds as many revocations
 */
export async function fill(url: string, rows: number): Promise<void> {
  const revocations = Math.floor((rows * 2) / 3);
  const people = Math.floor(rows / 5);
  const others = Math.floor(rows / 3);
  const statements = [
    `insert into platforms (name, created_at, policy)
     select 'p' || n, now(), '{"rules":[]}' from generate_series(1, ${PLATFORMS}) n`,
    `insert into root_keys (id, platform, sealed, created_at, active_from, retired_at, expires_at)
     select 'k' || n, 'p' || (1 + n % ${PLATFORMS}), sha256(n::text::bytea), now() - n * interval '1 hour',
       now() - n * interval '1 hour', null, case when n <= ${PLATFORMS} then null else now() + n * interval '1 hour' end
     from generate_series(1, 2000) n`,
    // The busy person is known on five platforms.
    `insert into principals (id, platform, issuer, subject, email, asserted_by, development, created_at)
     select 'u' || n, 'p' || (1 + n % ${PLATFORMS}), '${BUSY.issuer}', case when n <= 5 then '${BUSY.subject}' else 's' || n end,
       null, 'issuer', false, now() from generate_series(1, ${people}) n`,
    `insert into tokens (id, platform, key_id, principal_id, revocation_id, issued_at, expires_at, caveats, label, issued_by)
     select ${uuid(rows, 2)}, case when n % 3 = 0 then 'p' || (1 + n % ${PLATFORMS}) else '${BUSY_PLATFORM}' end, 'k1',
       case when n % 3 = 0 then 'u' || (6 + n % (${people} - 5)) else 'u' || (1 + n % 5) end, decode(md5(n::text), 'hex'), now(), now(), '[]', null, null
     from generate_series(1, ${rows}) n`,
    `insert into revocations (number, id, scope_kind, scope_platform, scope_issuer, scope_subject, target_kind,
       target_revocation_id, target_token_id, target_principal_id, issued_before, dedup, reason, author, revoked_at, last_match_at)
     select n, gen_random_uuid(), scope, case when scope in ('platform', 'link') then case when n % 2000 = 0 then '${QUIET_PLATFORM}' else '${BUSY_PLATFORM}' end end,
       case scope when 'principal' then '${BUSY.issuer}' end, case scope when 'principal' then 's' || (6 + n % ${people - 10}) end,
       target, case target when 'revocation_id' then decode(md5(n::text), 'hex') end,
       case target when 'token_id' then gen_random_uuid() end,
       case target when 'principal_id' then 'u' || n % ${people} end, case target when 'principal_id' then now() end,
       sha256(n::text::bytea), 'r', 'a', now() - (${revocations} - n) * interval '10 seconds', now() + (1 + n % 90) * interval '1 day'
     from generate_series(1, ${revocations}) n,
       lateral (select case when n % 20 < 16 then 'platform' when n % 20 < 18 then 'link' when n % 20 = 18 then 'principal' else 'all' end as scope,
         case when n % 40 = 39 then 'principal_id' when n % 2 = 0 then 'revocation_id' else 'token_id' end as target) as kinds`,
    `insert into revocation_hashes (number, hash, dropped_at)
     select -n, sha256(n::text::bytea), now() - n * interval '1 second' from generate_series(1, ${others}) n on conflict do nothing`,
    `update revocation_log set last_number = ${revocations}`,
    `insert into audit_events (id, at, action, actor, platform, details)
     select ${uuid(rows, 2)}, now(), 'token.issued', '{}', 'p' || (1 + n % ${PLATFORMS}), '{}' from generate_series(1, ${rows}) n`,
    // Two thirds of the events have their places.
    `update audit_leaves as l set tree = 1, number = r.rank - 1, hash = null from (
       select event_id, row_number() over (order by event_id) as rank from audit_leaves) as r
     where l.event_id = r.event_id and r.rank <= ${others * 2}`,
    `insert into audit_trees (number, origin, epoch, size, root, begun_at)
     values (1, 'log.example/1', '1', ${others * 2}, sha256('a'), now())`,
    `insert into audit_tiles (tree, level, number, hashes)
     select 1, 0, n, sha256(n::text::bytea) from generate_series(0, ${others}) n`,
    `insert into idempotency (hash, body_hash, lease, sealed, expires_at)
     select sha256(n::text::bytea), sha256(n::text::bytea), 'l', sha256('a'), now() + (60 + n % 1440) * interval '1 minute'
     from generate_series(1, ${others}) n`,
    `insert into token_lines (id, spoke_at, groups, ends_at)
     select ${uuid(others, 60)}, now(), '[]', now() + (60 + n % 1440) * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into line_tokens (token_id, line, predecessor, expires_at)
     select id, id, case when ends_at < now() + interval '6 hours' then gen_random_uuid() end, ends_at from token_lines`,
    `insert into used_assertions (hash, expires_at)
     select sha256(n::text::bytea), now() + (60 + n % 1440) * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into budgets (platform, link, used, slots, counts, ends_at)
     select '${BUSY_PLATFORM}', decode(md5(n::text), 'hex'), n % 5, array[n], array[1], now() + (60 + n % 1440) * interval '1 minute'
     from generate_series(1, ${others}) n`,
    `insert into budget_charges (hash, question, expires_at)
     select sha256(n::text::bytea), sha256('q'), now() + (60 + n % 1440) * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into proofs (hash, expires_at)
     select sha256(n::text::bytea), now() + (60 + n % 1440) * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into reservations (id, platform, spends, cost, expires_at)
     select gen_random_uuid(), '${BUSY_PLATFORM}', '[]', '{}', now() + (60 + n % 1440) * interval '1 minute'
     from generate_series(1, ${others}) n`,
    `insert into sessions (id_hash, issuer, subject, groups, development, created_at, expires_at)
     select sha256(n::text::bytea), '${BUSY.issuer}', 's' || n, '[]', false, now(), now() + (60 + n % 1440) * interval '1 minute'
     from generate_series(1, ${others}) n`,
    `insert into people (issuer, subject, email, seen_at)
     select '${BUSY.issuer}', 's' || n, 's' || n || '@example.com', now() - n * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into discharge_requests (id, kind, protocol, state, condition, code, secret_hash, ticket_hash, caller_hash,
       sealed, ancestor, about, token_id, approver_keys, asked_at, expires_at, decided_at)
     select ${uuid(others, 60)}, case when n % 2 = 0 then 'approval' else 'identity' end, 'native',
       case when n % 50 = 0 then 'pending' else 'granted' end, 'c', 'x', sha256('a'), sha256('b'),
       sha256((n % 1000)::text::bytea), case when n % 50 = 0 then sha256('c') end, null, null, gen_random_uuid(),
       jsonb_build_array('group:g' || (n % 500)), now() - (${others} - n) * interval '1 minute', now() + interval '1 hour', null
     from generate_series(1, ${others}) n`,
    `insert into discharge_decisions (request_id, issuer, subject, approved, at)
     select id, '${BUSY.issuer}', 's1', true, now() from discharge_requests where state = 'granted'`,
    `insert into live_discharges (place, request_id, lives_until)
     select sha256(n::text::bytea), gen_random_uuid(), now() + (60 + n % 1440) * interval '1 minute'
     from generate_series(1, ${others}) n`,
    `insert into webhook_outbox (id, body, attempts, due_at)
     select gen_random_uuid(), '{}', 0, now() + n * interval '1 minute' from generate_series(1, ${others}) n`,
    `insert into observed_links (id, link, parent, depth, agent, hands_on, level, first_seen, last_seen, allowed, approvals)
     select t.id, case depth when 0 then t.revocation_id else decode(md5(t.id || '/' || depth), 'hex') end,
       case depth when 0 then null when 1 then t.revocation_id else decode(md5(t.id || '/1'), 'hex') end, depth,
       case depth when 0 then null else 'a' || row_number() over () % 5000 end, depth = 1, least(depth, 1), now(), now(), 1,
       case when depth = 2 and get_byte(t.revocation_id, 0) = 7 then array['approval-' || get_byte(t.revocation_id, 1)] end
     from (select * from tokens order by id desc limit ${others}) as t, generate_series(0, 2) as depth`,
    "analyze",
  ];
  for (const statement of statements) await raw(url, statement);
}
