-- The links that verify has seen, a row for each link of a chain, so that prefixes that chains share are stored once. `id` is
-- the token id of the root macaroon, by which months are dropped together with the token's own record. All that a root macaroon
-- was issued with is one row, at depth 0. Caveats are what holders wrote, fit to be shown: claims, and no part of any decision.
create table public.observed_links (
  id uuid not null,
  link bytea not null check (octet_length(link) = 16),
  parent bytea check (octet_length(parent) = 16),
  depth integer not null check (depth >= 0),
  caveat text,
  agent text collate "C",
  hands_on boolean not null,
  level integer not null,
  first_seen timestamptz(3) not null,
  last_seen timestamptz(3) not null,
  allowed bigint not null default 0,
  refused bigint not null default 0,
  recent integer[] not null default '{}',
  recent_slot bigint not null default 0,
  children integer not null default 0,
  below integer not null default 0,
  whole boolean not null default true,
  approvals text[] collate "C",
  primary key (id, link)
) partition by range (id);
--> statement-breakpoint
create table public.observed_links_default partition of public.observed_links default;
--> statement-breakpoint
create index observed_links_by_link on public.observed_links (link);
--> statement-breakpoint
create index observed_links_by_agent on public.observed_links (agent, id) where hands_on;
--> statement-breakpoint
create index observed_links_by_approval on public.observed_links using gin (approvals) where approvals is not null;
--> statement-breakpoint
create or replace function public.bakehouse_create_partition(parent text, instant timestamptz) returns boolean
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
  if parent not in ('tokens', 'audit_events', 'observed_links') then
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
create or replace function public.bakehouse_drop_partitions(parent text, drop_before timestamptz) returns integer
language plpgsql volatile strict security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
  name text;
  dropped integer := 0;
begin
  if parent not in ('tokens', 'audit_events', 'observed_links') then
    raise exception 'no such partitioned table' using errcode = 'invalid_parameter_value';
  end if;
  if drop_before > clock_timestamp() - public.bakehouse_least_retention() then
    raise exception 'nothing younger than % is dropped', public.bakehouse_least_retention()
      using errcode = 'invalid_parameter_value';
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
select public.bakehouse_create_partition('observed_links', date_trunc('month', now(), 'UTC') + months * interval '1 month')
from generate_series(0, 2) as months;
--> statement-breakpoint
-- Records what verify has seen. Each element of `seen`: the token `t`, the link `i` that was issued and the last agent `a` that
-- was issued with it, how many calls were allowed `d` and refused `r`, the first and last instant `f` and `s` (unix milliseconds),
-- the approvals `p` that allowed calls rested on, and either `k`, a link that stands here since an earlier call, or `l`, the links
-- below `b`, which stands here, or below what was issued without it: arrays of link, caveat, nearest agent, whether it hands on,
-- and hand-overs at or above it.
--
-- All trees are locked by their first rows in the order of their ids, so that no two replicas wait for each other in a circle.
-- A chain is added whole or not at all, and only where a call was allowed: what is refused counts at the nearest link that
-- stands here, and so does a chain for which there is no room. A parent has `most_children` at most, and each span of an agent a
-- quarter of the room of the span around it, so that nobody can use up what others above or beside them need.
--
-- Answers the places, from 0 on, of those whose last link does not stand here, each with whether there was no room for it, and
-- with the link at which it was counted.
create function public.bakehouse_observe(seen jsonb, most_children integer, most_below integer, least_below integer)
returns jsonb
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s'
as $$
declare
  one record;
  names bytea[];
  total integer;
  missing integer;
  at bytea;
  at_depth integer;
  above bytea[];
  fits boolean;
  full_at bigint[] := '{}';
  cut jsonb;
begin
  insert into public.observed_links as o (id, link, depth, agent, hands_on, level, first_seen, last_seen)
  select distinct on (n.t) n.t, decode(n.i, 'hex'), 0, n.a, n.a is not null, 0,
    to_timestamp(n.f / 1000), to_timestamp(n.f / 1000)
  from jsonb_to_recordset(seen) as n (t uuid, i text, a text, f double precision)
  order by n.t, n.f
  on conflict (id, link) do update set allowed = o.allowed where false;

  for one in
    select place - 1 as place, (e ->> 't')::uuid as t, decode(coalesce(e ->> 'b', e ->> 'i'), 'hex') as b, e -> 'l' as l,
      to_timestamp((e ->> 'f')::double precision / 1000) as first, to_timestamp((e ->> 's')::double precision / 1000) as last
    from jsonb_array_elements(seen) with ordinality as listed (e, place)
    where e ? 'l' and (e ->> 'd')::integer > 0 and jsonb_array_length(e -> 'l') > 0
  loop
    names := array(select decode(e ->> 0, 'hex') from jsonb_array_elements(one.l) with ordinality as listed (e, place) order by place);
    total := cardinality(names);
    select o.link, o.depth into at, at_depth from public.observed_links as o
    where o.id = one.t and (o.link = one.b or o.link = any (names)) order by o.depth desc limit 1;
    -- What was said to stand here does not: the next time all of the chain comes.
    continue when not found;
    missing := total - coalesce(array_position(names, at), 0);
    continue when missing = 0;
    with recursive up as (
      select o.link, o.parent, o.depth, o.hands_on, o.level, o.below, o.children from public.observed_links as o
      where o.id = one.t and o.link = at
      union all
      select o.link, o.parent, o.depth, o.hands_on, o.level, o.below, o.children
      from up join public.observed_links as o on o.id = one.t and o.link = up.parent
    )
    select array_agg(up.link) filter (where up.link = at or up.hands_on or up.depth = 0),
      coalesce(bool_and(
        (up.link <> at or up.children < most_children)
        and (not (up.hands_on or up.depth = 0)
          or up.below + missing <= greatest(least_below, most_below / (4 ^ least(up.level, 10))))), false)
    into above, fits from up;
    if not fits then
      full_at := full_at || one.place;
      update public.observed_links as o set whole = false where o.id = one.t and o.depth = 0 and o.whole;
      continue;
    end if;
    update public.observed_links as o set
      children = o.children + case when o.link = at then 1 else 0 end,
      below = o.below + missing
    where o.id = one.t and o.link = any (above);
    insert into public.observed_links
      (id, link, parent, depth, caveat, agent, hands_on, level, first_seen, last_seen, children, below)
    select one.t, names[place], case when place = total - missing + 1 then at else names[place - 1] end,
      at_depth + place - (total - missing), e ->> 1, e ->> 2, (e ->> 3)::boolean, (e ->> 4)::integer,
      one.first, one.last, case when place < total then 1 else 0 end, total - place
    from jsonb_array_elements(one.l) with ordinality as added (e, place)
    where place > total - missing;
  end loop;

  with asked as materialized (
    select n.place - 1 as place, n.t, n.d, n.r, n.f, n.s, n.p, found.link,
      coalesce(found.link = n.wanted, false) as stands
    from (
      select listed.place, (e ->> 't')::uuid as t, decode(e ->> 'i', 'hex') as i, e -> 'p' as p,
        (e ->> 'd')::integer as d, (e ->> 'r')::integer as r,
        (e ->> 'f')::double precision as f, (e ->> 's')::double precision as s,
        decode(coalesce(e ->> 'k', e -> 'l' -> -1 ->> 0, e ->> 'b', e ->> 'i'), 'hex') as wanted,
        array(select decode(name, 'hex') from (
          select e ->> 'i' as name union all select e ->> 'b' where e ? 'b' union all select e ->> 'k' where e ? 'k'
          union all select part ->> 0 from jsonb_array_elements(e -> 'l') as part) as given) as names
      from jsonb_array_elements(seen) with ordinality as listed (e, place)
    ) as n
    left join lateral (
      select o.link from public.observed_links as o
      where o.id = n.t and o.link = any (n.names) order by o.depth desc limit 1
    ) as found on true
  ), added as (
    update public.observed_links as o set
      allowed = o.allowed + n.d,
      refused = o.refused + n.r,
      first_seen = least(o.first_seen, n.first),
      last_seen = greatest(o.last_seen, n.last),
      -- Thirteen parts of five minutes each, the newest first.
      recent = case
        when n.d = 0 then o.recent
        when n.slot > o.recent_slot
          then ((n.d || array_fill(0, array[least(n.slot - o.recent_slot - 1, 12)::integer])) || o.recent)[1:13]
        else (o.recent[1] + n.d) || o.recent[2:] end,
      recent_slot = case when n.d = 0 then o.recent_slot else greatest(o.recent_slot, n.slot) end,
      approvals = case when n.p is null then o.approvals else (
        select array_agg(distinct u.name) from (
          select a.name from unnest(o.approvals || n.p) as a (name) limit 16) as u) end
    from (
      select a.t, a.link, sum(a.d)::integer as d, sum(a.r)::integer as r,
        to_timestamp(min(a.f) / 1000) as first, to_timestamp(max(a.s) / 1000) as last,
        floor(max(a.s) / 300000)::bigint as slot,
        (select array_agg(distinct x.name) from asked as b cross join lateral jsonb_array_elements_text(b.p) as x (name)
          where b.t = a.t and b.link = a.link and b.d > 0 and b.p is not null) as p
      from asked as a where a.link is not null group by a.t, a.link
    ) as n
    where o.id = n.t and o.link = n.link
  )
  select coalesce(jsonb_agg(jsonb_build_array(a.place, a.place = any (full_at), encode(a.link, 'hex')) order by a.place) filter (where not a.stands), '[]')
  into cut from asked as a;
  return cut;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_observe(jsonb, integer, integer, integer) from public;
--> statement-breakpoint
-- The newest tokens of a platform. A plan that is made for any platform would take all tokens of one that has millions, and sort
-- them.
create function public.bakehouse_newest_tokens(of_platform text, most integer) returns setof uuid
language plpgsql stable strict rows 100
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
  return query select t.id from public.tokens as t where t.platform = of_platform order by t.id desc limit most;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_newest_tokens(text, integer) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0021;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0021() then
    return false;
  end if;
  grant select, insert, update on public.observed_links to bakehouse_app;
  grant execute on function public.bakehouse_observe(jsonb, integer, integer, integer) to bakehouse_app;
  grant execute on function public.bakehouse_newest_tokens(text, integer) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
