-- A login is as old as a token that was issued when its person last spoke. So it ends with the root key that would have signed
-- that one: otherwise what a key's revocation killed would come back by logins from before it.
create index revocations_of_key on public.revocations (target_key_id, scope_kind, scope_platform) where target_kind = 'key_id';
--> statement-breakpoint
-- As before, and by root keys.
create or replace function public.bakehouse_ended_grants(grants jsonb) returns integer[]
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
      union all
      -- By the root key that signed at that instant: the first one for a login that is older than the platform.
      (select 1 from (
          select coalesce(
            (select k.id from public.root_keys as k where k.platform = g.platform and k.active_from <= g.spoke_at
              order by k.active_from desc, k.id desc limit 1),
            (select k.id from public.root_keys as k where k.platform = g.platform order by k.active_from, k.id limit 1)) as id
        ) as signing
        cross join lateral (
          (select 1 from public.revocations as r
            where r.target_kind = 'key_id' and r.target_key_id = signing.id
              and r.scope_kind = 'all' and r.scope_platform is null limit 1)
          union all
          (select 1 from public.revocations as r
            where r.target_kind = 'key_id' and r.target_key_id = signing.id
              and r.scope_kind = 'platform' and r.scope_platform = g.platform limit 1)
        ) as one limit 1)
      limit 1
    ) as ending);
end
$$;
