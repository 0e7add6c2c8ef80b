-- Requests of devices that wait for a person (RFC 8628). Both codes are kept as hashes alone; the one that is typed is short, so
-- its hash is under a key. One that was approved has a row in `oauth_codes` under the same hash, and is redeemed as a code is.

create table public.oauth_devices (
  hash bytea primary key,
  user_hash bytea not null,
  client_id text not null,
  platform text not null,
  resource text not null,
  scopes jsonb not null,
  state text not null,
  pause integer not null,
  polled_at timestamptz(3),
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  constraint oauth_devices_user_code unique (user_hash)
);
--> statement-breakpoint
create index oauth_devices_expiry on public.oauth_devices (expires_at);
--> statement-breakpoint
create index oauth_devices_client on public.oauth_devices (client_id);
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0028;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0028() then
    return false;
  end if;
  grant select, insert, delete on public.oauth_devices to bakehouse_app;
  grant update (state, pause, polled_at) on public.oauth_devices to bakehouse_app;
  -- To lock rows: a client is held while a grant that is redeemed at once is written for it.
  grant update (id) on public.oauth_clients to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
