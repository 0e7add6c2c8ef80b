-- Discharges: the keys that tickets are sealed to, what waits for people, what they said, whom to tell.

create table public.discharge_keys (
  id text collate "C" primary key,
  public_key bytea not null unique check (octet_length(public_key) = 32),
  sealed bytea not null,
  created_at timestamptz(3) not null,
  active_from timestamptz(3) not null,
  expires_at timestamptz(3)
);
--> statement-breakpoint
create table public.discharge_requests (
  id uuid primary key,
  kind text collate "C" not null check (kind in ('identity', 'approval')),
  protocol text collate "C" not null check (protocol in ('native', 'bakery')),
  state text collate "C" not null check (state in ('pending', 'granted', 'denied', 'dropped')),
  condition text not null,
  code text collate "C" not null,
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  ticket_hash bytea not null check (octet_length(ticket_hash) = 32),
  caller_hash bytea not null check (octet_length(caller_hash) = 32),
  sealed bytea,
  ancestor text collate "C",
  about jsonb,
  token_id uuid,
  approver_keys jsonb not null,
  asked_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  decided_at timestamptz(3)
);
--> statement-breakpoint
create index discharge_requests_by_approver on public.discharge_requests using gin (approver_keys) where kind = 'approval';
--> statement-breakpoint
create index discharge_requests_by_caller on public.discharge_requests (caller_hash, id) where state = 'pending';
--> statement-breakpoint
create index discharge_requests_by_token on public.discharge_requests (token_id, id) where state = 'pending';
--> statement-breakpoint
create index discharge_requests_by_expiry on public.discharge_requests (expires_at) where sealed is not null;
--> statement-breakpoint
-- The constraint decides that a person speaks once.
create table public.discharge_decisions (
  id uuid primary key default gen_random_uuid(),
  request_id uuid not null references public.discharge_requests (id) on delete cascade,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  approved boolean not null,
  reason text,
  at timestamptz(3) not null,
  constraint discharge_decisions_once unique (request_id, issuer, subject)
);
--> statement-breakpoint
create table public.webhook_outbox (
  id uuid primary key,
  body text not null,
  attempts integer not null default 0,
  due_at timestamptz(3) not null
);
--> statement-breakpoint
create index webhook_outbox_by_due on public.webhook_outbox (due_at);
--> statement-breakpoint
-- Each migration that makes tables has a function for its grants; bakehouse_grant() calls the later ones.
alter function public.bakehouse_grant() rename to bakehouse_grant_0000;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0000() then
    return false;
  end if;
  grant select, insert, delete on public.discharge_keys to bakehouse_app;
  grant update (sealed, expires_at) on public.discharge_keys to bakehouse_app;
  grant select, insert, delete on public.discharge_requests to bakehouse_app;
  grant update (state, decided_at, sealed) on public.discharge_requests to bakehouse_app;
  grant select, insert on public.discharge_decisions to bakehouse_app;
  grant select, insert, delete on public.webhook_outbox to bakehouse_app;
  grant update (attempts, due_at) on public.webhook_outbox to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
