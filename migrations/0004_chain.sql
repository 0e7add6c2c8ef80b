-- The revocation log becomes a chain: each entry holds a hash over the one before it, so that two histories of which
-- one was lost cannot pass for each other. The log knows the server that it lives on. Version 0.1.0 appends by
-- bakehouse_log_append, which keeps its signature, and fences by an update of the epoch: both go on as they were.

-- In the order in which an append takes them, so that the two cannot wait for each other.
lock table public.revocation_log, public.revocations in access exclusive mode;
--> statement-breakpoint
-- Entries from before this migration have no hash. The checks are not validated, because that would read all of them.
alter table public.revocations
  add column salt bytea,
  add column hash bytea,
  add constraint revocations_salt_check check (octet_length(salt) = 16) not valid,
  add constraint revocations_hash_check check (octet_length(hash) = 32) not valid;
--> statement-breakpoint
-- What a reader may have read last, and is not in `revocations` any more or was never hashed there.
create table public.revocation_hashes (
  number bigint primary key,
  hash bytea not null check (octet_length(hash) = 32),
  dropped_at timestamptz(3) not null
);
--> statement-breakpoint
create index revocation_hashes_by_drop on public.revocation_hashes (dropped_at);
--> statement-breakpoint
alter table public.revocation_log
  add column hash bytea check (octet_length(hash) = 32),
  add column system_identifier text collate "C",
  add column database text collate "C",
  add column timeline integer,
  add column synchronous boolean not null default false,
  add column disputed text collate "C";
--> statement-breakpoint
-- The server that answers. What it does not have or does not let its owner ask is null, and then tells nothing.
-- The oid of the log's own table is another one where a dump was restored into the same database.
create function public.bakehouse_log_server(
  out in_recovery boolean, out system_identifier text, out database text, out timeline integer
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  in_recovery := pg_is_in_recovery();
  select d.oid || '.' || 'public.revocation_log'::regclass::oid into database
  from pg_database as d where d.datname = current_database();
  begin
    select c.system_identifier into system_identifier from pg_control_system() as c;
  exception when insufficient_privilege or undefined_function or feature_not_supported then null;
  end;
  if not in_recovery then
    begin
      -- Not pg_control_checkpoint(): that is of the last checkpoint, which may be from before a promotion.
      timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
    exception when insufficient_privilege or undefined_function or feature_not_supported then null;
    end;
  end if;
end
$$;
--> statement-breakpoint
-- Whether what commits here is answered only once a standby has it, too.
create function public.bakehouse_is_synchronous() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select current_setting('synchronous_standby_names') <> '' $$;
--> statement-breakpoint
update public.revocation_log as log set
  hash = sha256(uuid_send(gen_random_uuid()) || convert_to(log.epoch, 'UTF8')),
  system_identifier = here.system_identifier, database = here.database, timeline = here.timeline,
  synchronous = public.bakehouse_is_synchronous()
from public.bakehouse_log_server() as here;
--> statement-breakpoint
alter table public.revocation_log alter column hash set not null;
--> statement-breakpoint
insert into public.revocation_hashes (number, hash, dropped_at)
select log.last_number, log.hash, clock_timestamp() from public.revocation_log as log;
--> statement-breakpoint
-- A new epoch begins on the server where it is begun, whichever version of the program begins it.
create function public.bakehouse_log_begin() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  here record;
begin
  select * into strict here from public.bakehouse_log_server();
  new.system_identifier := here.system_identifier;
  new.database := here.database;
  new.timeline := here.timeline;
  new.synchronous := public.bakehouse_is_synchronous();
  new.disputed := null;
  return new;
end
$$;
--> statement-breakpoint
create trigger bakehouse_log_begin before update of epoch on public.revocation_log
for each row when (new.epoch is distinct from old.epoch) execute function public.bakehouse_log_begin();
--> statement-breakpoint
-- The hash of a dropped entry outlives it: a reader that stands there can still show that it has read this log.
create function public.bakehouse_keep_hashes() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.revocation_hashes (number, hash, dropped_at)
  select d.number, d.hash, clock_timestamp() from dropped as d where d.hash is not null
  on conflict (number) do nothing;
  return null;
end
$$;
--> statement-breakpoint
create trigger bakehouse_keep_hashes after delete on public.revocations
referencing old table as dropped for each statement execute function public.bakehouse_keep_hashes();
--> statement-breakpoint
-- Without a setting of its own, because that would cost more than the hash: everything in it is named in full.
create function public.bakehouse_log_link(state bytea, previous bytea, contents bytea) returns bytea
language plpgsql immutable parallel safe
as $$
begin
  return pg_catalog.sha256(coalesce(state, previous) operator(pg_catalog.||) contents);
end
$$;
--> statement-breakpoint
-- As a window function: the hash of each entry, in order, from the hash before the first and the contents of each.
create aggregate public.bakehouse_log_chain(previous bytea, contents bytea) (
  sfunc = public.bakehouse_log_link, stype = bytea
);
--> statement-breakpoint
-- Each statement of a function sees what was committed before it began. So what follows the lock sees all that
-- was appended before, which one plain statement, with the snapshot from before its wait, would not.
--
-- `wanted` holds no two entries with the same `dedup`. A row for each: what stands there already comes back as it
-- stands, and what is `fresh` with the number and hash that it has got, in the order of `place` behind `last_number` and
-- `last_hash`. Without entries one row says where the log ends; its commit waits for the disk and for standbys all the same,
-- and so shows that everything before it is as safe.
create function public.bakehouse_log_write(wanted jsonb)
returns table (
  epoch text, last_number bigint, last_hash bytea, fresh boolean, place integer, number bigint, hash bytea,
  id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
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
      issued_before timestamptz, reason text, author text, revoked_at timestamptz(3), last_match_at timestamptz(3), event jsonb
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
      revoked_at, last_match_at, salt, hash)
    select a.next, a.id, a.scope_kind, a.scope_platform, a.scope_issuer, a.scope_subject,
      a.target_kind, decode(a.target_revocation_id, 'hex'), a.target_token_id, a.target_principal_id, a.target_issuer,
      a.target_subject, a.target_agent, a.target_key_id, a.target_platform, a.target_approval_id, a.issued_before,
      a.dedup_bytes, a.reason, a.author, a.revoked_at, a.last_match_at, a.salt, a.hash
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
--> statement-breakpoint
-- The form of version 0.1.0, which reckons the numbers of what is new itself.
create or replace function public.bakehouse_log_append(wanted jsonb)
returns table (
  epoch text, last_number bigint, place integer,
  number bigint, id uuid, scope_kind text, scope_platform text, scope_issuer text, scope_subject text,
  target_kind text, target_revocation_id bytea, target_token_id uuid, target_principal_id text, target_issuer text,
  target_subject text, target_agent text, target_key_id text, target_platform text, target_approval_id text,
  issued_before timestamptz, reason text, author text, revoked_at timestamptz, last_match_at timestamptz
)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select w.epoch, w.last_number, case when not w.fresh then w.place end, case when not w.fresh then w.number end,
    w.id, w.scope_kind, w.scope_platform, w.scope_issuer, w.scope_subject, w.target_kind, w.target_revocation_id,
    w.target_token_id, w.target_principal_id, w.target_issuer, w.target_subject, w.target_agent, w.target_key_id,
    w.target_platform, w.target_approval_id, w.issued_before, w.reason, w.author, w.revoked_at, w.last_match_at
  from public.bakehouse_log_write(wanted) as w;
end
$$;
--> statement-breakpoint
-- Says of the log that a replica has read more than it holds, or something else: nothing more is believed of it until it is fenced.
create function public.bakehouse_log_dispute(of_epoch text, known text) returns boolean
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed integer;
begin
  update public.revocation_log as log set disputed = known
  where log.singleton and log.epoch = of_epoch and log.disputed is null;
  get diagnostics changed = row_count;
  -- It is to be seen at once, though no standby may be there yet.
  perform set_config('synchronous_commit', 'local', true);
  return changed > 0;
end
$$;
--> statement-breakpoint
-- Takes a standby that was promoted for the log's server, where what was acknowledged was on the standby before: the
-- caller answers for that, and the log says that its last entry was written so.
create function public.bakehouse_log_adopt(of_epoch text) returns boolean
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed integer;
begin
  update public.revocation_log as log set timeline = here.timeline
  from public.bakehouse_log_server() as here
  where log.singleton and log.epoch = of_epoch and log.disputed is null and log.synchronous
    and log.system_identifier = here.system_identifier and log.database = here.database and log.timeline < here.timeline;
  get diagnostics changed = row_count;
  perform set_config('synchronous_commit', 'local', true);
  return changed > 0;
end
$$;
--> statement-breakpoint
-- Notes that all of the log is on a synchronous standby: this commit, which comes after all of it, waits for that.
create function public.bakehouse_log_attest(of_epoch text) returns boolean
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'on', true);
  update public.revocation_log as log set synchronous = true
  where log.singleton and log.epoch = of_epoch and not log.synchronous and public.bakehouse_is_synchronous();
  return found;
end
$$;
--> statement-breakpoint
revoke execute on function
  public.bakehouse_log_server(),
  public.bakehouse_is_synchronous(),
  public.bakehouse_log_begin(),
  public.bakehouse_keep_hashes(),
  public.bakehouse_log_link(bytea, bytea, bytea),
  public.bakehouse_log_chain(bytea, bytea),
  public.bakehouse_log_write(jsonb),
  public.bakehouse_log_dispute(text, text),
  public.bakehouse_log_adopt(text),
  public.bakehouse_log_attest(text)
from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0003;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0003() then
    return false;
  end if;
  grant select, insert, delete on public.revocation_hashes to bakehouse_app;
  grant update (hash, synchronous) on public.revocation_log to bakehouse_app;
  grant execute on function public.bakehouse_log_server() to bakehouse_app;
  grant execute on function public.bakehouse_is_synchronous() to bakehouse_app;
  grant execute on function public.bakehouse_log_link(bytea, bytea, bytea) to bakehouse_app;
  grant execute on function public.bakehouse_log_chain(bytea, bytea) to bakehouse_app;
  grant execute on function public.bakehouse_log_write(jsonb) to bakehouse_app;
  grant execute on function public.bakehouse_log_dispute(text, text) to bakehouse_app;
  grant execute on function public.bakehouse_log_adopt(text) to bakehouse_app;
  grant execute on function public.bakehouse_log_attest(text) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
