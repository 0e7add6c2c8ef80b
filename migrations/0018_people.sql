-- The people that issuers have vouched for here, as they were last seen: by whom approvals can be answered, and their
-- names for pages. Principals are per platform, and whoever only approves has none.

create table public.people (
  issuer text not null,
  subject text not null,
  email text,
  name text,
  seen_at timestamptz(3) not null,
  constraint people_pkey primary key (issuer, subject)
);
--> statement-breakpoint
create index people_by_email on public.people (issuer, lower(email)) where email is not null;
--> statement-breakpoint
create index people_by_seen on public.people (seen_at);
--> statement-breakpoint
insert into public.people (issuer, subject, email, seen_at)
select distinct on (p.issuer, p.subject) p.issuer, p.subject, p.email, p.created_at
from public.principals as p
where p.asserted_by = 'issuer'
order by p.issuer, p.subject, p.created_at desc;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0016;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0016() then
    return false;
  end if;
  grant select, insert, update, delete on public.people to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
