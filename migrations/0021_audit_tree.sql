-- Audit events become leaves of a Merkle tree (RFC 6962). Each gets its salt and its leaf's hash in its own transaction, by
-- whatever statement it was written, of an older version too; its place in the tree follows within seconds.

create table public.audit_leaves (
  event_id uuid primary key,
  salt bytea not null default uuid_send(gen_random_uuid()) check (octet_length(salt) = 16),
  hash bytea check (octet_length(hash) = 32),
  tree integer,
  number bigint,
  check ((tree is null) = (number is null))
);
--> statement-breakpoint
create unique index audit_leaves_by_number on public.audit_leaves (tree, number) where number is not null;
--> statement-breakpoint
-- What has no place yet is found by that.
create index audit_leaves_waiting on public.audit_leaves (event_id) where number is null;
--> statement-breakpoint
create table public.audit_trees (
  number integer primary key check (number > 0),
  origin text collate "C" not null unique,
  epoch text collate "C" not null,
  size bigint not null default 0 check (size >= 0),
  root bytea not null check (octet_length(root) = 32),
  checkpoint text,
  begun_at timestamptz(3) not null,
  dropped_before timestamptz(3)
);
--> statement-breakpoint
-- Hashes end to end, up to 256. They are random to any compression.
create table public.audit_tiles (
  tree integer not null,
  level smallint not null check (level >= 0),
  number bigint not null check (number >= 0),
  hashes bytea not null check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0),
  primary key (tree, level, number)
);
--> statement-breakpoint
alter table public.audit_tiles alter column hashes set storage external;
--> statement-breakpoint
-- One row, made once.
create table public.audit_key (
  singleton boolean primary key default true check (singleton),
  public_key bytea not null check (octet_length(public_key) = 32),
  sealed bytea not null,
  created_at timestamptz(3) not null
);
--> statement-breakpoint
-- The leaf's text: JSON without spaces, members in the order of their names (RFC 8785), one object deep with lists of
-- scalars in it, as events are. Written once more below, over the rows that are being inserted: a function for each row
-- would take several times as long.
create view public.audit_entries as
select l.tree, l.number, l.event_id, e.id, e.at, e.action, e.actor, e.platform, e.details,
  '{"action":' || to_json(e.action)::text
  || ',"actor":' || (
    select '{' || coalesce(string_agg(to_json(m.key)::text || ':' || m.value::text, ',' order by m.key collate "C"), '') || '}'
    from jsonb_each(e.actor) as m)
  || ',"at":"' || to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  || '","details":' || (
    select '{' || coalesce(string_agg(to_json(m.key)::text || ':' || case when jsonb_typeof(m.value) = 'array' then (
        select '[' || coalesce(string_agg(i.value::text, ',' order by i.ordinality), '') || ']'
        from jsonb_array_elements(m.value) with ordinality as i)
      else m.value::text end, ',' order by m.key collate "C"), '') || '}'
    from jsonb_each(e.details) as m)
  || ',"id":"' || e.id::text
  || '","platform":' || coalesce(to_json(e.platform)::text, 'null')
  || ',"salt":"' || encode(l.salt, 'hex') || '"}' as leaf
from public.audit_leaves as l left join public.audit_events as e on e.id = l.event_id;
--> statement-breakpoint
-- The owner's, so that nobody else can write a leaf beside an event.
create function public.bakehouse_audit_leaves() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.audit_leaves (event_id, salt, hash)
  select e.id, e.salt, sha256('\x00'::bytea || convert_to(
    '{"action":' || to_json(e.action)::text
    || ',"actor":' || (
      select '{' || coalesce(string_agg(to_json(m.key)::text || ':' || m.value::text, ',' order by m.key collate "C"), '') || '}'
      from jsonb_each(e.actor) as m)
    || ',"at":"' || to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    || '","details":' || (
      select '{' || coalesce(string_agg(to_json(m.key)::text || ':' || case when jsonb_typeof(m.value) = 'array' then (
          select '[' || coalesce(string_agg(i.value::text, ',' order by i.ordinality), '') || ']'
          from jsonb_array_elements(m.value) with ordinality as i)
        else m.value::text end, ',' order by m.key collate "C"), '') || '}'
      from jsonb_each(e.details) as m)
    || ',"id":"' || e.id::text
    || '","platform":' || coalesce(to_json(e.platform)::text, 'null')
    || ',"salt":"' || encode(e.salt, 'hex') || '"}', 'UTF8'))
  from (select added.*, uuid_send(gen_random_uuid()) as salt from added) as e;
  return null;
end
$$;
--> statement-breakpoint
create trigger audit_events_leaves after insert on public.audit_events
referencing new table as added for each statement execute function public.bakehouse_audit_leaves();
--> statement-breakpoint
-- What is on record becomes leaves too, once, in the order of the ids. Their hashes are made when they get their places.
insert into public.audit_leaves (event_id) select id from public.audit_events order by id;
--> statement-breakpoint
-- Leaves of events that retention has dropped, so many at a time: their hashes stay in the tiles, their salts go.
create function public.bakehouse_drop_audit_leaves(drop_before timestamptz, most integer) returns integer
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  dropped integer;
begin
  if drop_before > clock_timestamp() - public.bakehouse_least_retention() then
    raise exception 'nothing younger than % is dropped', public.bakehouse_least_retention()
      using errcode = 'invalid_parameter_value';
  end if;
  delete from public.audit_leaves as l where l.event_id in (
    select o.event_id from public.audit_leaves as o
    where o.event_id < public.bakehouse_uuid_floor(date_trunc('month', drop_before)) and o.number is not null
      and not exists (select from public.audit_events as e where e.id = o.event_id)
    order by o.event_id limit most);
  get diagnostics dropped = row_count;
  return dropped;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_audit_leaves(), public.bakehouse_drop_audit_leaves(timestamptz, integer) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0020;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0020() then
    return false;
  end if;
  -- A leaf comes with its event and goes with it; here it only gets its place.
  grant select on public.audit_leaves, public.audit_entries, public.audit_events to bakehouse_app;
  grant update (hash, tree, number) on public.audit_leaves to bakehouse_app;
  grant select, insert on public.audit_trees to bakehouse_app;
  grant update (size, root, checkpoint, dropped_before) on public.audit_trees to bakehouse_app;
  grant select, insert on public.audit_tiles to bakehouse_app;
  grant update (hashes) on public.audit_tiles to bakehouse_app;
  grant select, insert on public.audit_key to bakehouse_app;
  grant update (sealed) on public.audit_key to bakehouse_app;
  grant execute on function public.bakehouse_uuid_floor(timestamptz) to bakehouse_app;
  grant execute on function public.bakehouse_drop_audit_leaves(timestamptz, integer) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
