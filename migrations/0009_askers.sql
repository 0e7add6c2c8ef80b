-- The link that was shown when a discharge was asked for, and how many links stand above it: what waits is counted by
-- link and by asker. Null where no token was shown, and where an older version wrote the row.

alter table public.discharge_requests add column link text collate "C";
--> statement-breakpoint
alter table public.discharge_requests add column depth integer;
