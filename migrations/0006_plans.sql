-- Plans that stay cheap on full tables. `enable_seqscan = off` made the functions look up in indexes, also by a plan from
-- when a table was small; but up to Postgres 17 it does so by a cost of 10,000,000,000, which makes the server compile every call
-- for a second. Pages that cost more in order have the same effect and no such cost.
alter function public.bakehouse_log_write(jsonb) reset enable_seqscan;
--> statement-breakpoint
alter function public.bakehouse_log_write(jsonb) set seq_page_cost = 100;
--> statement-breakpoint
alter function public.bakehouse_record_issues(jsonb, jsonb, double precision) reset enable_seqscan;
--> statement-breakpoint
alter function public.bakehouse_record_issues(jsonb, jsonb, double precision) set seq_page_cost = 100;
--> statement-breakpoint
-- A platform reads its own entries of the log, and of those that are nobody's own the ones that can match its tokens.
create index revocations_by_platform on public.revocations (scope_platform, number) where scope_platform is not null;
--> statement-breakpoint
create index revocations_shared on public.revocations (number) where scope_kind in ('all', 'principal');
--> statement-breakpoint
create index discharge_requests_by_age on public.discharge_requests (asked_at);
--> statement-breakpoint
create index discharge_requests_pending on public.discharge_requests using gin (approver_keys)
  where kind = 'approval' and state = 'pending';
