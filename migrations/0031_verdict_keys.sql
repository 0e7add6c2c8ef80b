-- The keys that sign short verdicts (RFC 9068), which verify by the published half alone. Each is published before it signs, and
-- until nothing that it signed is good any more.
create table public.verdict_keys (
  id text collate "C" primary key,
  public_key bytea not null unique check (octet_length(public_key) = 32),
  sealed bytea not null,
  created_at timestamptz(3) not null,
  active_from timestamptz(3) not null,
  expires_at timestamptz(3)
);
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0029;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0029() then
    return false;
  end if;
  grant select, insert, delete on public.verdict_keys to bakehouse_app;
  grant update (sealed, expires_at) on public.verdict_keys to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
