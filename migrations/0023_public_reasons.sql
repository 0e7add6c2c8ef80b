-- A reason that its author lets everybody read who verifies what was revoked. An entry of an older version is not marked.

alter table public.revocations add column reason_public boolean not null default false;
--> statement-breakpoint
-- As in 0004, with the mark: it is among what the hash is over, as a zero byte more, which no text holds. The plan's settings
-- are those of 0006.
create or replace function public.bakehouse_log_write(wanted jsonb)
returns table (
  epoch text, last_number bigint, last_hash bytea, fresh boolean, place integer, number bigint, hash bytea,
  id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
  target_kind text, target_revocation_id bytea, target_token_id uuid, target_principal_id text, target_issuer text,
  target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text,
  issued_before timestamptz, reason text, author text, revoked_at timestamptz, last_match_at timestamptz
)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
as $$
#variable_conflict use_column
declare
  log public.revocation_log;
  here record;
begin
  -- Held until the transaction ends: the order of numbers is the order of commits.
  select l.* into strict log from public.revocation_log as l where l.singleton for update;
  select * into strict here from public.bakehouse_log_server();
  if log.disputed is not null or here.system_identifier <> log.system_identifier
    or here.database <> log.database or here.timeline <> log.timeline
  then
    -- What is acknowledged here could be missing elsewhere, so nothing is. The code is of those that mean "not now".
    raise exception 'the revocation log belongs to another server, or lacks entries: it has to be fenced'
      using errcode = 'lock_not_available';
  end if;
  if current_setting('synchronous_commit') in ('off', 'local', 'remote_write') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  return query
  with entry as materialized (
    select e.*, decode(e.dedup, 'hex') as dedup_bytes from jsonb_to_recordset(wanted) as e (
      place integer, dedup text, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
      target_kind text, target_revocation_id text, target_token_id uuid, target_principal_id text, target_issuer text,
      target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text,
      issued_before timestamptz, reason text, author text, revoked_at timestamptz(3), last_match_at timestamptz(3), event jsonb,
      reason_public boolean
    )
  ), seen as materialized (
    -- One look into the index for each: joined as sets, a planner that knows nothing of `wanted` reads the table.
    select entry.place as wanted_place, known.* from entry
    cross join lateral (select r.* from public.revocations as r where r.dedup = entry.dedup_bytes limit 1) as known
  ), salted as materialized (
    select entry.*, log.last_number + row_number() over (order by entry.place) as next,
      uuid_send(gen_random_uuid()) as salt
    from entry where not exists (select from seen where seen.wanted_place = entry.place)
  ), added as materialized (
    -- Nobody who sees the hash can tell any of the rest from it, because the salt is among it.
    select s.*, public.bakehouse_log_chain(
        log.hash,
        s.salt || int8send(s.next) || s.dedup_bytes || uuid_send(s.id)
          || timestamptz_send(s.revoked_at) || timestamptz_send(s.last_match_at)
          || convert_to(s.author, 'UTF8') || coalesce('\x00'::bytea || convert_to(s.reason, 'UTF8'), '')
          || case when s.reason_public then '\x00'::bytea else '' end
      ) over (order by s.next rows unbounded preceding) as hash
    from salted as s
  ), counted as (
    update public.revocation_log as l set
      last_number = newest.next, hash = newest.hash, synchronous = public.bakehouse_is_synchronous()
    from (select a.next, a.hash from added as a order by a.next desc limit 1) as newest
    where l.singleton
  ), appended as (
    insert into public.revocations (number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
      target_kind, target_revocation_id, target_token_id, target_principal_id, target_issuer, target_subject,
      target_agent, target_key_id, target_platform, target_approval_id, issued_before, dedup, reason, author,
      revoked_at, last_match_at, salt, hash, reason_public)
    select a.next, a.id, a.scope_kind, a.scope_platform, a.scope_issuer, a.scope_subject,
      a.target_kind, decode(a.target_revocation_id, 'hex'), a.target_token_id, a.target_principal_id, a.target_issuer,
      a.target_subject, a.target_agent, a.target_key_id, a.target_platform, a.target_approval_id, a.issued_before,
      a.dedup_bytes, a.reason, a.author, a.revoked_at, a.last_match_at, a.salt, a.hash, coalesce(a.reason_public, false)
    from added as a
  ), audited as (
    insert into public.audit_events (id, at, action, actor, platform, details)
    select (a.event ->> 'id')::uuid, (a.event ->> 'at')::timestamptz, a.event ->> 'action', a.event -> 'actor',
      a.event ->> 'platform', a.event -> 'details'
    from added as a where a.event is not null
  ), answer as (
    select false as fresh, s.wanted_place as place, s.number, s.hash, s.id, s.scope_kind, s.scope_platform, s.scope_issuer,
      s.scope_subject, s.target_kind, s.target_revocation_id, s.target_token_id, s.target_principal_id, s.target_issuer,
      s.target_subject, s.target_agent, s.target_key_id, s.target_platform, s.target_approval_id,
      s.issued_before, s.reason, s.author, s.revoked_at, s.last_match_at
    from seen as s
    union all
    select true, a.place, a.next, a.hash, null, null, null, null, null, null, null, null, null, null, null, null, null,
      null, null, null, null, null, null, null
    from added as a
  )
  select log.epoch, log.last_number, log.hash, a.fresh, a.place, a.number, a.hash, a.id, a.scope_kind, a.scope_platform,
    a.scope_issuer, a.scope_subject, a.target_kind, a.target_revocation_id, a.target_token_id, a.target_principal_id,
    a.target_issuer, a.target_subject, a.target_agent, a.target_key_id, a.target_platform, a.target_approval_id,
    a.issued_before, a.reason, a.author, a.revoked_at, a.last_match_at
  from (select) as one left join answer as a on true;
end
$$;
