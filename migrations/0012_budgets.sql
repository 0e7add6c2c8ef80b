-- Budgets: one counter for each link with a `uses`, a `spend` or a `rate`. The link's id names its caveat as well, so a row
-- needs neither the caveat nor its limit. `used` is what was counted of a `uses` or a `spend`. Of a `rate` it is 0, and
-- `counts` are the calls of each sixtieth of its window (`slots`, sixtieths since 1970, ascending).

create table public.budgets (
  platform text collate "C" not null,
  link bytea not null check (octet_length(link) = 16),
  used numeric not null default 0,
  slots bigint[] not null default '{}',
  counts bigint[] not null default '{}',
  ends_at timestamptz(3) not null,
  primary key (platform, link)
) with (fillfactor = 60);
--> statement-breakpoint
create index budgets_by_end on public.budgets (ends_at);
--> statement-breakpoint
-- Charges several calls of one platform, in their order, each to all of its counters or to none.
--
-- `counters`: every counter of these calls once: its `place` from 1 on, its `link` as hex, what is allowed (`most`), the
-- microseconds of its window (`period`, null but for a `rate`), and the end of what stands below it (`ends`, unix
-- milliseconds, null where nothing says so). `calls`: the places of each call's counters and what it takes from each
-- (`takes`); a `dry` call takes nothing. `life` is the longest that any token lives, `margin` how long a counter outlives
-- its tokens, milliseconds.
--
-- Answers, by call, whether it passed; in the order of all calls' counters what is left (`left`) and whether it was
-- too little (`short`); and by counter after how many seconds a full rate has room again (`retry`).
create function public.bakehouse_charge(
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
begin
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

  for one in
    select c.places, c.takes, c.dry
    from jsonb_to_recordset(calls) as c (call integer, places integer[], takes numeric[], dry boolean)
    order by c.call
  loop
    passes := true;
    for i in 1 .. cardinality(one.places) loop
      place := one.places[i];
      if held[place] + one.takes[i] > most[place] then
        passes := false;
        exit;
      end if;
    end loop;
    passed := passed || passes;
    for i in 1 .. cardinality(one.places) loop
      place := one.places[i];
      if passes and not one.dry then
        held[place] := held[place] + one.takes[i];
        touched[place] := true;
      end if;
      lefts := lefts || trim_scale(greatest(most[place] - held[place], 0))::text;
      shorts := shorts || (not passes and held[place] + one.takes[i] > most[place]);
    end loop;
  end loop;

  -- A full rate has room for one call more once so many of its oldest sixtieths have gone that one less than it allows is
  -- left. What a rate gained now lies in the newest sixtieth.
  update public.budgets as b set
    used = case when n.period is null then n.held else b.used end,
    slots = case when n.period is null then b.slots else n.slots end,
    counts = case when n.period is null then b.counts else n.counts end,
    ends_at = greatest(b.ends_at, n.ends_at)
  from (
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
  ) as n
  where b.platform = asker and b.link = n.link;

  -- A refused call leaves nothing behind.
  delete from public.budgets as b
  where b.platform = asker and b.link in (
    select h.link from unnest(links, touched) as h (link, touched) where not h.touched and h.link = any (fresh));

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

  return jsonb_build_object(
    'passed', to_jsonb(passed), 'left', to_jsonb(lefts), 'short', to_jsonb(shorts), 'retry', retries);
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_charge(text, jsonb, jsonb, double precision, double precision, double precision)
  from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0011;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0011() then
    return false;
  end if;
  grant select, insert, update, delete on public.budgets to bakehouse_app;
  grant execute
    on function public.bakehouse_charge(text, jsonb, jsonb, double precision, double precision, double precision)
    to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
