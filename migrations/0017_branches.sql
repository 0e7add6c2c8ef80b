-- How the token that was shown was handed on: its root's id and the links of its hand-overs to named agents, the first
-- eight. What waits is counted by them, so that none below a link keeps out the others; and what a person said no to is
-- found by them. Null where no token was shown, and where an older version wrote the row.

alter table public.discharge_requests add column branch jsonb;
--> statement-breakpoint
create index discharge_requests_denied on public.discharge_requests (ticket_hash, decided_at) where state = 'denied';
