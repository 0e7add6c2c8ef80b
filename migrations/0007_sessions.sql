-- A session has an id that may be shown, and a kind: `program` is a login to this API by macaroon-bakery's protocol,
-- which carries no administrator's rights. A version that does not know the column begins every session as `browser`,
-- and a login that begins so is good for nothing in a version that does.

alter table public.sessions add column id uuid not null default gen_random_uuid();
--> statement-breakpoint
alter table public.sessions add column kind text collate "C" not null default 'browser' check (kind in ('browser', 'program'));
--> statement-breakpoint
create unique index sessions_by_id on public.sessions (id);
--> statement-breakpoint
create index sessions_by_person on public.sessions (issuer, subject, id);
