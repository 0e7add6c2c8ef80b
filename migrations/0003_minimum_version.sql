-- A migration records the oldest version of the program that still works on the schema after it: that version may
-- start again, or be gone back to, though it does not know the migration. The table is made with the first migration.

alter function public.bakehouse_grant() rename to bakehouse_grant_0002;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0002() then
    return false;
  end if;
  grant select on drizzle.bakehouse_migrations to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
