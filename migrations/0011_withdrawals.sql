-- When a request was withdrawn: by its asker while it waited, or by a revocation of the approval. A request that waited is
-- `dropped` as well, which is how a version that does not know the column tells that it is over.

alter table public.discharge_requests add column withdrawn_at timestamptz(3);
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0004;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0004() then
    return false;
  end if;
  grant update (withdrawn_at) on public.discharge_requests to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
