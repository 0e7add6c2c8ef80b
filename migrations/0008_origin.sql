-- Which words of `about` the issuer wrote, and which ones holders did. Null where an older version wrote the row.

alter table public.discharge_requests add column about_origin jsonb;
