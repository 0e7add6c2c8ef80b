-- What each table and column is for, and how long it lives, stands in migrations/README.md.
-- Names and ids sort by byte (collate "C"): pages of a list come in one order on every server.

create table public.platforms (
  name text collate "C" primary key,
  created_at timestamptz(3) not null,
  policy jsonb not null
);
--> statement-breakpoint
create table public.root_keys (
  id text collate "C" primary key,
  platform text collate "C" not null references public.platforms (name),
  sealed bytea not null,
  created_at timestamptz(3) not null,
  active_from timestamptz(3) not null,
  retired_at timestamptz(3),
  expires_at timestamptz(3)
);
--> statement-breakpoint
create index root_keys_by_platform on public.root_keys (platform, active_from desc, id desc);
--> statement-breakpoint
create index root_keys_by_age on public.root_keys (active_from desc, id desc);
--> statement-breakpoint
create index root_keys_by_expiry on public.root_keys (expires_at);
--> statement-breakpoint
create table public.principals (
  id text collate "C" primary key,
  platform text collate "C" not null references public.platforms (name),
  issuer text collate "C" not null,
  subject text collate "C" not null,
  email text,
  asserted_by text collate "C" not null check (asserted_by in ('issuer', 'platform')),
  development boolean not null,
  created_at timestamptz(3) not null,
  constraint principals_who unique (platform, issuer, subject, asserted_by)
);
--> statement-breakpoint
create index principals_by_human on public.principals (issuer, subject);
--> statement-breakpoint
create table public.tokens (
  id uuid primary key,
  platform text collate "C" not null,
  key_id text collate "C" not null,
  principal_id text collate "C" not null,
  revocation_id bytea not null check (octet_length(revocation_id) = 16),
  issued_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  caveats jsonb not null,
  label text,
  issued_by uuid
) partition by range (id);
--> statement-breakpoint
create table public.tokens_default partition of public.tokens default;
--> statement-breakpoint
create index tokens_by_platform on public.tokens (platform, id desc);
--> statement-breakpoint
create index tokens_by_principal on public.tokens (principal_id, id desc);
--> statement-breakpoint
create table public.audit_events (
  id uuid primary key,
  at timestamptz(3) not null,
  action text collate "C" not null,
  actor jsonb not null,
  platform text collate "C",
  details jsonb not null
) partition by range (id);
--> statement-breakpoint
create table public.audit_events_default partition of public.audit_events default;
--> statement-breakpoint
create index audit_events_by_platform on public.audit_events (platform, id desc);
--> statement-breakpoint
create table public.revocations (
  number bigint primary key check (number > 0),
  id uuid not null unique,
  scope_kind text collate "C" not null,
  scope_platform text collate "C",
  scope_issuer text collate "C",
  scope_subject text collate "C",
  target_kind text collate "C" not null,
  target_revocation_id bytea check (octet_length(target_revocation_id) = 16),
  target_token_id uuid,
  target_principal_id text collate "C",
  target_issuer text collate "C",
  target_subject text collate "C",
  target_agent text collate "C",
  target_key_id text collate "C",
  target_platform text collate "C",
  target_approval_id text collate "C",
  issued_before timestamptz(3),
  dedup bytea not null unique check (octet_length(dedup) = 32),
  reason text,
  author text not null,
  revoked_at timestamptz(3) not null,
  last_match_at timestamptz(3) not null
);
--> statement-breakpoint
create index revocations_by_last_match on public.revocations (last_match_at);
--> statement-breakpoint
-- What a replica loads one by one, among millions that it loads in bulk.
create index revocations_wide on public.revocations (number) where target_kind not in ('revocation_id', 'token_id');
--> statement-breakpoint
-- One row. It numbers the log: a sequence would leave gaps on rollback, and its order is not the order of commits.
create table public.revocation_log (
  singleton boolean primary key default true check (singleton),
  epoch text collate "C" not null,
  last_number bigint not null check (last_number >= 0)
);
--> statement-breakpoint
insert into public.revocation_log (epoch, last_number) values (replace(gen_random_uuid()::text, '-', ''), 0);
--> statement-breakpoint
create table public.idempotency (
  hash bytea primary key check (octet_length(hash) = 32),
  body_hash bytea not null check (octet_length(body_hash) = 32),
  lease text not null,
  sealed bytea,
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index idempotency_by_expiry on public.idempotency (expires_at);
--> statement-breakpoint
create table public.sessions (
  id_hash bytea primary key check (octet_length(id_hash) = 32),
  issuer text collate "C" not null,
  subject text collate "C" not null,
  email text,
  name text,
  groups jsonb not null,
  authenticated_at timestamptz(3),
  acr text,
  development boolean not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index sessions_by_expiry on public.sessions (expires_at);
--> statement-breakpoint
-- The smallest UUIDv7 of an instant (RFC 9562 §5.7): its first 48 bits are unix milliseconds.
create function public.bakehouse_uuid_floor(instant timestamptz) returns uuid
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select (lpad(to_hex(floor(extract(epoch from instant) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
--> statement-breakpoint
-- The application role has no right to DDL: these two functions do the little that it needs, as their
-- owner. pg_temp comes last and everything else is named in full, so that no caller can slip in an
-- object of their own (CVE-2018-1058).
create function public.bakehouse_create_partition(parent text, instant timestamptz) returns boolean
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
  first timestamptz := date_trunc('month', instant);
  name text := parent || to_char(date_trunc('month', instant), '"_"YYYY"_"MM');
  fallback text := parent || '_default';
  low uuid := public.bakehouse_uuid_floor(date_trunc('month', instant));
  high uuid := public.bakehouse_uuid_floor(date_trunc('month', instant) + interval '1 month');
begin
  if parent not in ('tokens', 'audit_events') then
    raise exception 'no such partitioned table' using errcode = 'invalid_parameter_value';
  end if;
  if first < timestamptz '2000-01-01' or first >= timestamptz '9000-01-01' then
    raise exception 'no partition is kept for such an instant' using errcode = 'invalid_parameter_value';
  end if;
  if to_regclass(format('public.%I', name)) is not null then
    return false;
  end if;
  -- Conflicts with itself and with no read or write: replicas take turns here, traffic goes on.
  execute format('lock table only public.%I in share update exclusive mode', parent);
  if to_regclass(format('public.%I', name)) is not null then
    return false;
  end if;
  -- Rows of this month may lie in the default partition. No more may arrive while they move.
  execute format('lock table public.%I in access exclusive mode', fallback);
  execute format('create table public.%I (like public.%I including all)', name, parent);
  execute format(
    'with moved as (delete from public.%I where id >= %L and id < %L returning *) insert into public.%I select * from moved',
    fallback, low, high, name);
  execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)', parent, name, low, high);
  return true;
end
$$;
--> statement-breakpoint
create function public.bakehouse_drop_partitions(parent text, drop_before timestamptz) returns integer
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
  name text;
  dropped integer := 0;
begin
  if parent not in ('tokens', 'audit_events') then
    raise exception 'no such partitioned table' using errcode = 'invalid_parameter_value';
  end if;
  execute format('lock table only public.%I in share update exclusive mode', parent);
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = format('public.%I', parent)::regclass
      and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}$')
    order by c.relname
  loop
    if to_timestamp(right(name, 7), 'YYYY_MM') + interval '1 month' <= drop_before then
      execute format('drop table public.%I', name);
      dropped := dropped + 1;
    end if;
  end loop;
  -- What was written for a month that never got a partition must not outlive it.
  execute format('delete from public.%I where id < %L', parent || '_default',
    public.bakehouse_uuid_floor(date_trunc('month', drop_before)));
  return dropped;
end
$$;
--> statement-breakpoint
revoke execute on function
  public.bakehouse_uuid_floor(timestamptz),
  public.bakehouse_create_partition(text, timestamptz),
  public.bakehouse_drop_partitions(text, timestamptz)
from public;
--> statement-breakpoint
select public.bakehouse_create_partition(parent, date_trunc('month', now(), 'UTC') + months * interval '1 month')
from unnest(array['tokens', 'audit_events']) as parent, generate_series(0, 2) as months;
--> statement-breakpoint
-- A managed server may not let its owner create roles: the service then works as the owner, and the
-- grants below wait for a role of that name (see migrations/README.md). Roles belong to the whole
-- cluster, so another database's migration may be creating this one at the same moment.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bakehouse_app') then
    create role bakehouse_app nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
  when insufficient_privilege or feature_not_supported then
    raise notice 'role bakehouse_app was not created: no right to create roles';
end
$$;
--> statement-breakpoint
-- Called again by hand once the role exists where the migration could not create it.
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_roles where rolname = 'bakehouse_app') then
    return false;
  end if;
  grant usage on schema public to bakehouse_app;
  grant select, insert on public.platforms to bakehouse_app;
  grant update (policy) on public.platforms to bakehouse_app;
  grant select, insert, delete on public.root_keys to bakehouse_app;
  grant update (sealed, retired_at, expires_at) on public.root_keys to bakehouse_app;
  grant select, insert on public.principals to bakehouse_app;
  grant update (email) on public.principals to bakehouse_app;
  grant select, insert on public.tokens to bakehouse_app;
  grant select, insert on public.audit_events to bakehouse_app;
  grant select, insert, delete on public.revocations to bakehouse_app;
  grant select on public.revocation_log to bakehouse_app;
  grant update (last_number) on public.revocation_log to bakehouse_app;
  grant select, insert, update, delete on public.idempotency to bakehouse_app;
  grant select, insert, delete on public.sessions to bakehouse_app;
  grant execute on function public.bakehouse_create_partition(text, timestamptz) to bakehouse_app;
  grant execute on function public.bakehouse_drop_partitions(text, timestamptz) to bakehouse_app;
  -- To see at its start that the schema is the one it knows.
  grant usage on schema drizzle to bakehouse_app;
  grant select on drizzle.__drizzle_migrations to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
