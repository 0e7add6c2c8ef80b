-- What a person confirmed or approved ends with a revocation of that person, and the issuer's younger word on a person replaces
-- the older one.

-- When the person of a decision had last spoken: it ends with an entry that would kill a token of theirs from that instant. Null
-- where an older version wrote the row: then the decision is as old as it is dated.
alter table public.discharge_decisions add column spoke_at timestamptz(3);
--> statement-breakpoint
-- By whom a revocation of a person finds what they confirmed, and a person what they can take back.
create index discharge_decisions_by_person on public.discharge_decisions (issuer, subject, at) where approved;
--> statement-breakpoint
-- When the discharge ends of a request that was granted. Null where an older version decided it: a day later at most.
alter table public.discharge_requests add column ends_at timestamptz(3);
--> statement-breakpoint
-- When the issuer said what is known of a person. Null where an older version wrote the row last.
alter table public.people add column said_at timestamptz(3);
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0024;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0024() then
    return false;
  end if;
  -- A yes that has ended is said anew.
  grant update (approved, reason, at, spoke_at) on public.discharge_decisions to bakehouse_app;
  grant update (ends_at) on public.discharge_requests to bakehouse_app;
  -- Nothing of a session is changed: without the right to, none can be held.
  grant update (expires_at) on public.sessions to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
