-- The application role could drop the whole audit log by naming an instant. What is younger than the longest life of a
-- token, which is 90 days, and a day is kept whatever it names; an owner who wants more replaces this function.
create function public.bakehouse_least_retention() returns interval
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select interval '91 days' $$;
--> statement-breakpoint
revoke execute on function public.bakehouse_least_retention() from public;
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
  if parent not in ('tokens', 'audit_events') then
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
