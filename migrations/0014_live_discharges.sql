-- Of a ticket that says `once`, the one request or discharge that lives for each link that asks. A place that has ended is
-- taken by the statement that would insert another row, so that of two askers at once one has it, on any replica.

create table public.live_discharges (
  place bytea primary key check (octet_length(place) = 32),
  request_id uuid not null,
  lives_until timestamptz(3) not null
);
--> statement-breakpoint
create index live_discharges_by_request on public.live_discharges (request_id);
--> statement-breakpoint
create index live_discharges_by_end on public.live_discharges (lives_until);
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0013;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0013() then
    return false;
  end if;
  grant select, insert, update, delete on public.live_discharges to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
