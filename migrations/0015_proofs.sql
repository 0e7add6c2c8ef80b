-- A proof of a key is good once. What names it is kept until no clock takes it any more.

create table public.proofs (
  hash bytea primary key check (octet_length(hash) = 32),
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index proofs_by_expiry on public.proofs (expires_at);
--> statement-breakpoint
-- As `bakehouse_charge`, of calls that may have a `proof` (hex): the first call with a proof that is not `dry` uses it up,
-- and every other call with it is `replayed` and not charged. All else that it answers is about the calls that are not;
-- without `replayed` none is. A proof is used up by a call that its budgets refuse as well. `memory` is how long a proof is
-- kept, in milliseconds.
create function public.bakehouse_prove_and_charge(
  asker text, counters jsonb, calls jsonb, life double precision, margin double precision, clock_shift double precision,
  memory double precision)
returns jsonb
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
set lock_timeout = '1s'
as $$
declare
  present timestamptz;
  fresh bytea[];
  replayed boolean[];
  rest jsonb;
begin
  present := clock_timestamp() + clock_shift * interval '1 millisecond';
  -- Proofs are locked before all keys of charges and all counters, one by one in the order of their hashes.
  with used as (
    insert into public.proofs as p (hash, expires_at)
    select n.hash, present + memory * interval '1 millisecond'
    from (
      select distinct decode(c.proof, 'hex') as hash
      from jsonb_to_recordset(calls) as c (proof text, dry boolean)
      where c.proof is not null and not c.dry) as n
    order by n.hash
    on conflict on constraint proofs_pkey do update set expires_at = excluded.expires_at where p.expires_at <= present
    returning p.hash
  )
  select coalesce(array_agg(used.hash), '{}') into fresh from used;

  -- Nearly always all proofs are new.
  if cardinality(fresh) = (select count(*) from jsonb_to_recordset(calls) as c (proof text) where c.proof is not null) then
    return public.bakehouse_charge(asker, counters, calls, life, margin, clock_shift);
  end if;

  select array_agg(n.replays order by n.place), coalesce(jsonb_agg(n.entry order by n.place) filter (where not n.replays), '[]')
  into replayed, rest
  from (
    select c.place, c.entry, c.hash is not null and (
      coalesce(bool_or(not c.dry) over (
        partition by c.hash order by c.place rows between unbounded preceding and 1 preceding), false)
      or c.hash <> all (fresh) and (not c.dry or coalesce(p.expires_at > present, false))) as replays
    from (
      select e.entry, e.place, decode(e.entry ->> 'proof', 'hex') as hash, (e.entry ->> 'dry')::boolean as dry
      from jsonb_array_elements(calls) with ordinality as e (entry, place)) as c
    left join lateral (
      select k.expires_at from public.proofs as k where k.hash = c.hash and c.dry limit 1) as p on true
  ) as n;

  return public.bakehouse_charge(asker, counters, rest, life, margin, clock_shift)
    || jsonb_build_object('replayed', to_jsonb(replayed));
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_prove_and_charge(
  text, jsonb, jsonb, double precision, double precision, double precision, double precision) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0014;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0014() then
    return false;
  end if;
  grant select, insert, update, delete on public.proofs to bakehouse_app;
  grant execute on function public.bakehouse_prove_and_charge(
    text, jsonb, jsonb, double precision, double precision, double precision, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
