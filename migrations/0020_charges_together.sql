-- Charges several calls of one platform at once if all of them fit, in a statement for each step instead of a turn for each
-- call. `links` are the counters (hex), each once, `most` what each allows, `takes` what all calls together take from it,
-- `periods` and `ends` as in `bakehouse_charge`, as are `life`, `margin` and `clock_shift`. All arrays are given as texts,
-- which every driver can send.
--
-- Answers the room that each counter had before, in their order. If one of them has too little, it answers null, and has
-- changed nothing.
create function public.bakehouse_charge_together(
  asker text, links text, most text, takes text, periods text, ends text, life double precision,
  margin double precision, clock_shift double precision)
returns jsonb
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
set lock_timeout = '1s'
as $$
declare
  names constant bytea[] := (
    select array_agg(decode(n.link, 'hex') order by n.place)
    from unnest(links::text[]) with ordinality as n (link, place));
  now_us bigint;
  fresh bytea[];
  rooms jsonb;
begin
  -- One row at a time in the order of their keys, as `bakehouse_charge` locks them: no circle of waiting.
  with added as (
    insert into public.budgets as b (platform, link, ends_at)
    select asker, n.link, '-infinity' from unnest(names) as n (link) order by n.link
    on conflict on constraint budgets_pkey do update set used = b.used where false
    returning b.link
  )
  select coalesce(array_agg(added.link), '{}') into fresh from added;

  -- The clock is read once all counters are held: nobody else can charge them with a later date meanwhile.
  now_us := floor(extract(epoch from clock_timestamp()) * 1000000 + clock_shift * 1000)::bigint;

  with counters as materialized (
    select n.place, n.most, n.taken, n.period, n.ends, b.row_at, b.slots, b.counts, b.slot,
      case when n.period is null then b.used else (
        select coalesce(sum(u.count), 0) from unnest(b.slots, b.counts) as u (slot, count) where u.slot >= b.slot - 60
      ) end as held
    from unnest(names, most::numeric[], takes::numeric[], periods::bigint[], ends::double precision[])
      with ordinality as n (link, most, taken, period, ends, place)
    cross join lateral (
      select k.ctid as row_at, k.used, k.slots, k.counts,
        greatest(now_us * 60 / n.period, k.slots[cardinality(k.slots)]) as slot
      from public.budgets as k where k.platform = asker and k.link = n.link limit 1) as b
  ), fits as materialized (
    select bool_and(c.held + c.taken <= c.most) as all_of_them from counters as c
  ), charged as (
    -- The rows are held, so that each is still where it was read.
    update public.budgets as b set
      used = case when c.period is null then b.used + c.taken else b.used end,
      -- What a rate gained now lies in the newest sixtieth.
      slots = case when c.period is null then b.slots else array(
        select u.slot from unnest(c.slots) as u (slot) where u.slot >= c.slot - 60 and u.slot < c.slot order by u.slot
      ) || c.slot end,
      counts = case when c.period is null then b.counts else array(
        select u.count from unnest(c.slots, c.counts) as u (slot, count)
        where u.slot >= c.slot - 60 and u.slot < c.slot order by u.slot
      ) || coalesce((
        select u.count from unnest(c.slots, c.counts) as u (slot, count) where u.slot = c.slot), 0) + c.taken::bigint end,
      -- What moves with each call moves by whole hours, so that it is seldom written into the index.
      ends_at = greatest(b.ends_at, case when c.ends < now_us / 1000 + life then to_timestamp((c.ends + margin) / 1000)
        else to_timestamp((ceil((now_us / 1000 + life) / 3600000) * 3600000 + margin) / 1000) end)
    from counters as c, fits as f
    where f.all_of_them and b.ctid = c.row_at
  )
  select jsonb_agg(trim_scale(c.most - c.held)::text order by c.place) into rooms
  from counters as c join fits as f on f.all_of_them;

  -- A refused call leaves nothing behind.
  if rooms is null and cardinality(fresh) > 0 then
    delete from public.budgets as b where b.platform = asker and b.link = any (fresh);
  end if;
  return rooms;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_charge_together(
  text, text, text, text, text, text, double precision, double precision, double precision) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0018;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0018() then
    return false;
  end if;
  grant execute on function public.bakehouse_charge_together(
    text, text, text, text, text, text, double precision, double precision, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
