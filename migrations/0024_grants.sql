-- A login is good for tokens and for decisions until something is revoked that would kill a token of the same person from the
-- instant at which they, or their issuer, last spoke. Whoever redeems one asks here, in the transaction that records what
-- it is redeemed for.

-- What one search of these reads is of one scope: nobody who names a person, a principal or a platform in entries of their own
-- scope makes the searches of others longer.
create index revocations_of_person on public.revocations (target_issuer, target_subject, scope_kind, scope_platform, issued_before)
  where target_kind = 'principal';
--> statement-breakpoint
create index revocations_of_principal on public.revocations (target_principal_id, scope_kind, scope_platform, issued_before)
  where target_kind = 'principal_id';
--> statement-breakpoint
create index revocations_of_platform
  on public.revocations (target_platform, scope_kind, scope_platform, scope_issuer, scope_subject, issued_before)
  where target_kind = 'platform';
--> statement-breakpoint
-- The places of those of `grants` that have ended. `platform` is null where none is known.
--
-- The log is held until the transaction ends. So an entry is either seen here, or it is appended after the transaction: what was
-- acknowledged before is never missed.
create function public.bakehouse_ended_grants(grants jsonb) returns integer[]
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
as $$
begin
  if grants = '[]'::jsonb then
    return '{}';
  end if;
  perform 1 from public.revocation_log as l where l.singleton for update;
  -- Another statement: the first one's snapshot is from before its wait. One look into an index for each kind and scope.
  return array(
    select g.place
    from jsonb_to_recordset(grants) as g (place integer, platform text, issuer text, subject text, spoke_at timestamptz)
    cross join lateral (
      (select 1 from public.revocations as r
        where r.target_kind = 'principal' and r.target_issuer = g.issuer and r.target_subject = g.subject
          and r.scope_kind = 'all' and r.scope_platform is null and r.issued_before > g.spoke_at limit 1)
      union all
      (select 1 from public.revocations as r
        where r.target_kind = 'principal' and r.target_issuer = g.issuer and r.target_subject = g.subject
          and r.scope_kind = 'platform' and r.scope_platform = g.platform and r.issued_before > g.spoke_at limit 1)
      union all
      (select 1 from public.revocations as r
        where r.target_kind = 'principal' and r.target_issuer = g.issuer and r.target_subject = g.subject
          and r.scope_kind = 'principal' and r.scope_platform is null and r.issued_before > g.spoke_at
          and r.scope_issuer = g.issuer and r.scope_subject = g.subject limit 1)
      union all
      (select 1 from public.revocations as r
        where r.target_kind = 'platform' and r.target_platform = g.platform
          and r.scope_kind = 'all' and r.scope_platform is null and r.issued_before > g.spoke_at limit 1)
      union all
      (select 1 from public.revocations as r
        where r.target_kind = 'platform' and r.target_platform = g.platform
          and r.scope_kind = 'platform' and r.scope_platform = g.platform and r.issued_before > g.spoke_at limit 1)
      union all
      (select 1 from public.revocations as r
        where r.target_kind = 'platform' and r.target_platform = g.platform and r.scope_kind = 'principal'
          and r.scope_platform is null and r.scope_issuer = g.issuer and r.scope_subject = g.subject
          and r.issued_before > g.spoke_at limit 1)
      union all
      (select 1 from (
          select p.id from public.principals as p
          where p.platform = g.platform and p.issuer = g.issuer and p.subject = g.subject and p.asserted_by = 'issuer' limit 1
        ) as known
        cross join lateral (
          (select 1 from public.revocations as r
            where r.target_kind = 'principal_id' and r.target_principal_id = known.id
              and r.scope_kind = 'all' and r.scope_platform is null and r.issued_before > g.spoke_at limit 1)
          union all
          (select 1 from public.revocations as r
            where r.target_kind = 'principal_id' and r.target_principal_id = known.id
              and r.scope_kind = 'platform' and r.scope_platform = g.platform and r.issued_before > g.spoke_at limit 1)
          union all
          (select 1 from public.revocations as r
            where r.target_kind = 'principal_id' and r.target_principal_id = known.id
              and r.scope_kind = 'principal' and r.scope_platform is null and r.issued_before > g.spoke_at
              and r.scope_issuer = g.issuer and r.scope_subject = g.subject limit 1)
        ) as one limit 1)
      limit 1
    ) as ending);
end
$$;
--> statement-breakpoint
-- `bakehouse_record_issues` for issues that a login is redeemed for: those with `spoke_at`. Of one whose login has ended nothing
-- is recorded, nor a principal who is new with it alone. `ended` are their places.
create function public.bakehouse_redeem_issues(issues jsonb, newcomers jsonb, clock_shift double precision)
returns table (taken jsonb, lost jsonb, ended jsonb)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
as $$
declare
  dead constant integer[] := public.bakehouse_ended_grants((
    select coalesce(jsonb_agg(jsonb_build_object('place', i.place, 'platform', i.platform, 'issuer', i.issuer,
      'subject', i.subject, 'spoke_at', i.spoke_at)), '[]'::jsonb)
    from jsonb_to_recordset(issues) as i (place integer, platform text, issuer text, subject text, spoke_at text)
    where i.spoke_at is not null));
  sound jsonb := issues;
  people jsonb := newcomers;
begin
  if dead <> '{}' then
    sound := (
      select coalesce(jsonb_agg(i.issue), '[]'::jsonb) from jsonb_array_elements(issues) as i (issue)
      where (i.issue ->> 'place')::integer <> all (dead));
    people := (
      select coalesce(jsonb_agg(n.newcomer), '[]'::jsonb) from jsonb_array_elements(newcomers) as n (newcomer)
      where exists (
        select from jsonb_array_elements(sound) as i (issue) where i.issue ->> 'principal_id' = n.newcomer ->> 'id'));
  end if;
  return query select r.taken, r.lost, to_jsonb(dead) from public.bakehouse_record_issues(sound, people, clock_shift) as r;
end
$$;
--> statement-breakpoint
-- By what the token that was shown can be killed: its root key, its links, its agents and the approvals that its discharges name.
-- Null where no token was shown, and where an older version wrote the row.
alter table public.discharge_requests add column mortal jsonb;
--> statement-breakpoint
-- When a principal's e-mail was last changed, whichever version changed it: replicas that hold the principal in memory ask.
alter table public.principals add column changed_at timestamptz(3);
--> statement-breakpoint
create index principals_changed on public.principals (changed_at desc) where changed_at is not null;
--> statement-breakpoint
create function public.bakehouse_principal_changed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.changed_at := clock_timestamp();
  return new;
end
$$;
--> statement-breakpoint
create trigger bakehouse_principal_changed before update of email on public.principals
for each row when (new.email is distinct from old.email) execute function public.bakehouse_principal_changed();
--> statement-breakpoint
revoke execute on function
  public.bakehouse_ended_grants(jsonb),
  public.bakehouse_redeem_issues(jsonb, jsonb, double precision),
  public.bakehouse_principal_changed()
from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0022;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0022() then
    return false;
  end if;
  grant execute on function public.bakehouse_ended_grants(jsonb) to bakehouse_app;
  grant execute on function public.bakehouse_redeem_issues(jsonb, jsonb, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
