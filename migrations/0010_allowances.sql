-- The caveats that the asker wants appended to the discharge, and what the discharge then allows. Null where an older
-- version wrote the row.

alter table public.discharge_requests add column caveats jsonb;
--> statement-breakpoint
alter table public.discharge_requests add column allowance jsonb;
