-- Resources: the APIs and tool servers of platforms, each by its canonical URI (RFC 8707), which is one platform's in the whole
-- service. `resource_hosts` are the hosts under which an administrator lets a platform register, as a list of texts.

alter table public.platforms add column resource_hosts jsonb not null default '[]';
--> statement-breakpoint
-- `scopes` are objects of `scope` and `description`, `caveats` texts, `max_ttl` seconds.
create table public.resources (
  id uuid primary key,
  platform text collate "C" not null references public.platforms (name),
  resource text collate "C" not null unique,
  name text not null,
  scopes jsonb not null,
  caveats jsonb not null,
  max_ttl integer,
  accept_unbound boolean not null,
  created_at timestamptz(3) not null
);
--> statement-breakpoint
create index resources_by_platform on public.resources (platform, id);
--> statement-breakpoint
-- The resource that reserved; null for a platform that asked as none, and for what an older version reserved.
alter table public.reservations add column resource text collate "C";
--> statement-breakpoint
-- As in 0016, and besides: what is reserved keeps the resource that asked (`resource` of `reserve`).
create or replace function public.bakehouse_charge(
  asker text, counters jsonb, calls jsonb, life double precision, margin double precision, clock_shift double precision)
returns jsonb
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
set lock_timeout = '1s'
as $$
declare
  fresh bytea[];
  now_us bigint;
  links bytea[];
  most numeric[];
  held numeric[];
  touched boolean[];
  one record;
  place integer;
  passes boolean;
  passed boolean[] := '{}';
  lefts text[] := '{}';
  shorts boolean[] := '{}';
  retries jsonb;
  fresh_keys bytea[] := '{}';
  keys bytea[] := '{}';
  questions bytea[] := '{}';
  stored text[] := '{}';
  claimed boolean[] := '{}';
  key integer;
  repeats boolean;
  differs boolean;
  repeated boolean[] := '{}';
  mismatched boolean[] := '{}';
  kept_answers text[] := '{}';
  answer text;
  ending timestamptz;
  changed record;
  unused bytea[];
begin
  -- Keys of charges are locked before all counters, one by one in their order as well.
  if jsonb_path_exists(calls, '$[*].key') then
    with added as (
      insert into public.budget_charges as k (hash, question, expires_at)
      select decode(n.key, 'hex'), '', '-infinity'
      from (select distinct c.key from jsonb_to_recordset(calls) as c (key text) where c.key is not null) as n
      order by n.key collate "C"
      on conflict on constraint budget_charges_pkey do update set question = k.question where false
      returning k.hash
    )
    select coalesce(array_agg(added.hash), '{}') into fresh_keys from added;
  end if;

  -- One row at a time in the order of their keys, whether it is new or not: two calls of this function wait for each other
  -- in no circle. What stands there already is locked and not written.
  with added as (
    insert into public.budgets as b (platform, link, ends_at)
    select asker, decode(c.link, 'hex'), '-infinity'
    from jsonb_to_recordset(counters) as c (link text)
    order by c.link collate "C"
    on conflict on constraint budgets_pkey do update set used = b.used where false
    returning b.link
  )
  select coalesce(array_agg(added.link), '{}') into fresh from added;

  -- The clock is read once all counters are held: nobody else can charge them with a later date meanwhile.
  now_us := floor(extract(epoch from clock_timestamp()) * 1000000 + clock_shift * 1000)::bigint;

  -- What counts of each now: of a rate, the sixtieths that do not lie wholly outside of the window.
  select array_agg(b.link order by c.place), array_agg(c.most order by c.place), array_agg(false order by c.place),
    array_agg(case when c.period is null then b.used else (
      select coalesce(sum(u.count), 0) from unnest(b.slots, b.counts) as u (slot, count)
      where u.slot >= greatest(now_us * 60 / c.period, b.slots[cardinality(b.slots)]) - 60
    ) end order by c.place)
  into links, most, touched, held
  from jsonb_to_recordset(counters) as c (place integer, link text, most numeric, period bigint)
  cross join lateral (
    select k.* from public.budgets as k where k.platform = asker and k.link = decode(c.link, 'hex') limit 1) as b;

  -- The charges that are remembered: a question that is null has not been charged, or too long ago.
  if jsonb_path_exists(calls, '$[*].key') then
    select array_agg(n.hash order by n.hash),
      array_agg(case when k.expires_at > to_timestamp(now_us / 1000000.0) then k.question end order by n.hash),
      array_agg(k.kept::text order by n.hash), array_agg(false order by n.hash)
    into keys, questions, stored, claimed
    from (select distinct decode(c.key, 'hex') as hash from jsonb_to_recordset(calls) as c (key text) where c.key is not null) as n
    cross join lateral (select r.* from public.budget_charges as r where r.hash = n.hash limit 1) as k;
  end if;

  for one in
    select c.places, c.takes, c.dry, decode(c.key, 'hex') as key, decode(c.question, 'hex') as question, c.reserve
    from jsonb_to_recordset(calls) as c (
      call integer, places integer[], takes numeric[], dry boolean, key text, question text, reserve jsonb)
    order by c.call
  loop
    key := case when one.key is not null then array_position(keys, one.key) end;
    repeats := key is not null and questions[key] is not null and questions[key] = one.question;
    differs := key is not null and questions[key] is not null and questions[key] <> one.question;
    passes := not differs;
    for i in 1 .. case when repeats or differs then 0 else cardinality(one.places) end loop
      place := one.places[i];
      if held[place] + one.takes[i] > most[place] then
        passes := false;
        exit;
      end if;
    end loop;
    passed := passed || passes;
    repeated := repeated || repeats;
    mismatched := mismatched || differs;
    answer := case when repeats then stored[key] end;
    if passes and not repeats and not one.dry then
      if one.reserve is not null then
        -- It ends with the counters that it would be given back to.
        select least(to_timestamp((now_us / 1000 + (one.reserve ->> 'life')::bigint) / 1000.0),
            to_timestamp(min(coalesce(c.ends, now_us / 1000 + life)) / 1000))
        into ending
        from jsonb_to_recordset(counters) as c (place integer, ends double precision)
        where c.place = any (one.places);
        insert into public.reservations (id, platform, resource, spends, cost, expires_at)
        values ((one.reserve ->> 'id')::uuid, asker, one.reserve ->> 'resource', one.reserve -> 'spends',
          one.reserve -> 'cost', ending)
        returning jsonb_build_object('id', id, 'expires_at', floor(extract(epoch from expires_at) * 1000))::text into answer;
      end if;
      if key is not null then
        questions[key] := one.question;
        stored[key] := answer;
        claimed[key] := true;
      end if;
    end if;
    kept_answers := kept_answers || answer;
    for i in 1 .. cardinality(one.places) loop
      place := one.places[i];
      if passes and not repeats and not one.dry then
        held[place] := held[place] + one.takes[i];
        touched[place] := true;
      end if;
      lefts := lefts || trim_scale(greatest(most[place] - held[place], 0))::text;
      shorts := shorts || (not passes and not differs and held[place] + one.takes[i] > most[place]);
    end loop;
  end loop;

  -- A full rate has room for one call more once so many of its oldest sixtieths have gone that one less than it allows is
  -- left. What a rate gained now lies in the newest sixtieth.
  for changed in
    select h.link, h.held, c.period, r.slots, r.counts,
      -- What moves with each call moves by whole hours, so that it is seldom written into the index.
      case when c.ends < now_us / 1000 + life then to_timestamp((c.ends + margin) / 1000)
        else to_timestamp((ceil((now_us / 1000 + life) / 3600000) * 3600000 + margin) / 1000) end as ends_at
    from unnest(links, held, touched) with ordinality as h (link, held, touched, place)
    join jsonb_to_recordset(counters) as c (place integer, period bigint, ends double precision) on c.place = h.place
    cross join lateral (
      select k.* from public.budgets as k where k.platform = asker and k.link = h.link limit 1) as k
    cross join lateral (
      select greatest(now_us * 60 / c.period, k.slots[cardinality(k.slots)]) as slot) as d
    cross join lateral (
      select array_agg(s.slot order by s.slot) as slots, array_agg(s.count order by s.slot) as counts from (
        select u.slot, u.count from unnest(k.slots, k.counts) as u (slot, count)
        where u.slot >= d.slot - 60 and u.slot < d.slot
        union all
        select d.slot, h.held - coalesce((
          select sum(u.count) from unnest(k.slots, k.counts) as u (slot, count)
          where u.slot >= d.slot - 60 and u.slot < d.slot), 0)
      ) as s where c.period is not null) as r
    where h.touched
  loop
    update public.budgets as b set
      used = case when changed.period is null then changed.held else b.used end,
      slots = case when changed.period is null then b.slots else changed.slots end,
      counts = case when changed.period is null then b.counts else changed.counts end,
      ends_at = greatest(b.ends_at, changed.ends_at)
    where b.platform = asker and b.link = changed.link;
  end loop;

  -- A refused call leaves nothing behind.
  select coalesce(array_agg(h.link), '{}') into unused
  from unnest(links, touched) as h (link, touched) where not h.touched and h.link = any (fresh);
  if cardinality(unused) > 0 then
    delete from public.budgets as b where b.platform = asker and b.link = any (unused);
  end if;

  select coalesce(jsonb_object_agg(f.place, f.seconds), '{}') into retries
  from (
    select c.place, min(greatest(ceil(((u.slot + 61) * c.period / 60.0 - now_us) / 1000000), 1)) as seconds
    from jsonb_to_recordset(counters) as c (place integer, link text, most numeric, period bigint)
    cross join lateral (
      select k.* from public.budgets as k where k.platform = asker and k.link = decode(c.link, 'hex') limit 1) as b
    cross join lateral (
      select s.slot, sum(s.count) over (order by s.slot) as gone
      from unnest(b.slots, b.counts) as s (slot, count)
      where s.slot >= greatest(now_us * 60 / c.period, b.slots[cardinality(b.slots)]) - 60) as u
    where c.period is not null and held[c.place] >= c.most and held[c.place] - u.gone < c.most
    group by c.place
  ) as f;

  if cardinality(keys) > 0 then
    for changed in
      select n.hash, n.question, n.kept from unnest(keys, questions, stored, claimed) as n (hash, question, kept, claimed)
      where n.claimed
    loop
      update public.budget_charges as k set
        question = changed.question, kept = changed.kept::jsonb,
        expires_at = to_timestamp(now_us / 1000000.0) + interval '1 day'
      where k.hash = changed.hash;
    end loop;
    select coalesce(array_agg(n.hash), '{}') into unused
    from unnest(keys, claimed) as n (hash, claimed) where not n.claimed and n.hash = any (fresh_keys);
    if cardinality(unused) > 0 then
      delete from public.budget_charges as k where k.hash = any (unused);
    end if;
  end if;

  return jsonb_build_object(
    'passed', to_jsonb(passed), 'left', to_jsonb(lefts), 'short', to_jsonb(shorts), 'retry', retries,
    'repeated', to_jsonb(repeated), 'mismatched', to_jsonb(mismatched), 'reservations', to_jsonb(kept_answers));
end
$$;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0026;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0026() then
    return false;
  end if;
  grant update (resource_hosts) on public.platforms to bakehouse_app;
  grant select, insert, delete on public.resources to bakehouse_app;
  grant update (name, scopes, caveats, max_ttl, accept_unbound) on public.resources to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
