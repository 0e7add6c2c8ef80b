-- One call writes what would take several statements: as many round trips, during which locks are held. The functions run
-- with their caller's rights, and everything in them is named in full (CVE-2018-1058). What they look up, they look up
-- in an index: a plan that was made while a table was small would read all of it once it is large.

-- Nothing looks entries up by their id, and every entry would be written into it.
alter table public.revocations drop constraint revocations_id_key;
--> statement-breakpoint
-- Each statement of a function sees what was committed before it began. So what follows the lock sees all that
-- was appended before, which one plain statement, with the snapshot from before its wait, would not.
--
-- `wanted` holds no two entries with the same `dedup`. What is new is numbered in its order, behind `last_number`;
-- what stands there already comes back as it stands, with its place in `wanted`: one row with nulls where nothing does.
create function public.bakehouse_log_append(wanted jsonb)
returns table (
  epoch text, last_number bigint, place integer,
  number bigint, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
  target_kind text, target_revocation_id bytea, target_token_id uuid, target_principal_id text, target_issuer text,
  target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text,
  issued_before timestamptz, reason text, author text, revoked_at timestamptz, last_match_at timestamptz
)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  log_epoch text;
  log_number bigint;
begin
  -- Held until the transaction ends: the order of numbers is the order of commits.
  select log.epoch, log.last_number into strict log_epoch, log_number from public.revocation_log as log for update;
  return query
  with entry as materialized (
    select e.*, decode(e.dedup, 'hex') as dedup_bytes from jsonb_to_recordset(wanted) as e (
      place integer, dedup text, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
      target_kind text, target_revocation_id text, target_token_id uuid, target_principal_id text, target_issuer text,
      target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text,
      issued_before timestamptz, reason text, author text, revoked_at timestamptz, last_match_at timestamptz, event jsonb
    )
  ), seen as materialized (
    -- One look into the index for each: joined as sets, a planner that knows nothing of `wanted` reads the table.
    select entry.place, known.* from entry
    cross join lateral (select r.* from public.revocations as r where r.dedup = entry.dedup_bytes limit 1) as known
  ), fresh as materialized (
    select entry.*, log_number + row_number() over (order by entry.place) as next from entry
    where not exists (select from seen where seen.place = entry.place)
  ), counted as (
    update public.revocation_log as log set last_number = log_number + (select count(*) from fresh)
    where exists (select from fresh)
  ), appended as (
    insert into public.revocations (number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
      target_kind, target_revocation_id, target_token_id, target_principal_id, target_issuer, target_subject,
      target_agent, target_key_id, target_platform, target_approval_id, issued_before, dedup, reason, author,
      revoked_at, last_match_at)
    select f.next, f.id, f.scope_kind, f.scope_platform, f.scope_issuer, f.scope_subject,
      f.target_kind, decode(f.target_revocation_id, 'hex'), f.target_token_id, f.target_principal_id, f.target_issuer,
      f.target_subject, f.target_agent, f.target_key_id, f.target_platform, f.target_approval_id, f.issued_before,
      f.dedup_bytes, f.reason, f.author, f.revoked_at, f.last_match_at
    from fresh as f
  ), audited as (
    insert into public.audit_events (id, at, action, actor, platform, details)
    select (f.event ->> 'id')::uuid, (f.event ->> 'at')::timestamptz, f.event ->> 'action', f.event -> 'actor',
      f.event ->> 'platform', f.event -> 'details'
    from fresh as f where f.event is not null
  )
  select log_epoch, log_number, s.place, s.number, s.id, s.scope_kind, s.scope_platform, s.scope_issuer, s.scope_subject,
    s.target_kind, s.target_revocation_id, s.target_token_id, s.target_principal_id, s.target_issuer,
    s.target_subject, s.target_agent, s.target_key_id, s.target_platform, s.target_approval_id,
    s.issued_before, s.reason, s.author, s.revoked_at, s.last_match_at
  from (select) as one left join seen as s on true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_log_append(jsonb) from public;
--> statement-breakpoint
-- Records issued tokens, each with its audit event and the answer that is kept under its idempotency key, if any.
--
-- `newcomers` are principals as they are to be from now on: they are written first. An issue that names one of them by
-- another id than the one that stands there afterwards is left out (`taken`), because somebody else was first; so
-- is one whose lease another attempt has taken over (`lost`). Both are lists of the issues' places.
create function public.bakehouse_record_issues(issues jsonb, newcomers jsonb, clock_shift double precision)
returns table (taken jsonb, lost jsonb)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  answer record;
  others integer[] := '{}';
  overtaken integer[] := '{}';
begin
  if newcomers <> '[]'::jsonb then
    -- In one order everywhere: two calls that write the same people must not wait for each other in a circle.
    insert into public.principals as p (id, platform, issuer, subject, email, asserted_by, development, created_at)
    select n.id, n.platform, n.issuer, n.subject, n.email, n.asserted_by, n.development, n.created_at
    from jsonb_to_recordset(newcomers) as n (
      id text, platform text, issuer text, subject text, email text, asserted_by text, development boolean,
      created_at timestamptz)
    order by n.platform collate "C", n.issuer collate "C", n.subject collate "C", n.asserted_by collate "C"
    on conflict on constraint principals_who do update set email = excluded.email;

    others := array(
      select i.place from jsonb_to_recordset(issues) as i (place integer, principal_id text, newcomer boolean)
      where i.newcomer and not exists (select from public.principals as p where p.id = i.principal_id));
  end if;

  for answer in
    select i.place, decode(i.hash, 'hex') as hash, i.lease, decode(i.sealed, 'base64') as sealed, i.life
    from jsonb_to_recordset(issues) as i (
      place integer, hash text, lease text, sealed text, life double precision)
    where i.hash is not null and i.place <> all (others)
    order by i.hash
  loop
    update public.idempotency as held set
      sealed = answer.sealed,
      expires_at = clock_timestamp() + (answer.life + clock_shift) * interval '1 millisecond'
    where held.hash = answer.hash and held.lease = answer.lease and held.sealed is null;
    if not found then
      overtaken := overtaken || answer.place;
    end if;
  end loop;

  with issue as materialized (
    select i.* from jsonb_to_recordset(issues) as i (
      place integer, id uuid, platform text, key_id text, principal_id text, revocation_id text,
      issued_at timestamptz, expires_at timestamptz, caveats jsonb, label text, issued_by uuid,
      event_id uuid, at timestamptz, action text, actor jsonb, event_platform text, details jsonb)
    where i.place <> all (others) and i.place <> all (overtaken)
  ), audited as (
    insert into public.audit_events (id, at, action, actor, platform, details)
    select i.event_id, i.at, i.action, i.actor, i.event_platform, i.details from issue as i
  )
  insert into public.tokens (id, platform, key_id, principal_id, revocation_id, issued_at, expires_at, caveats, label, issued_by)
  select i.id, i.platform, i.key_id, i.principal_id, decode(i.revocation_id, 'hex'), i.issued_at, i.expires_at,
    i.caveats, i.label, i.issued_by
  from issue as i;

  return query select to_jsonb(others), to_jsonb(overtaken);
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_record_issues(jsonb, jsonb, double precision) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0001;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0001() then
    return false;
  end if;
  grant execute on function public.bakehouse_log_append(jsonb) to bakehouse_app;
  grant execute on function public.bakehouse_record_issues(jsonb, jsonb, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
