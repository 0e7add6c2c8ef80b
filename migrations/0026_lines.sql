-- Tokens that can be renewed by showing them. A line begins with a token that was issued under a rule with a session; each
-- renewal adds one, which records its predecessor. Policy is asked anew each time, by what the issuer said at the beginning.
create table public.token_lines (
  -- The id of its first token.
  id uuid primary key,
  spoke_at timestamptz(3) not null,
  groups jsonb not null,
  claims jsonb,
  ends_at timestamptz(3) not null,
  renewals integer not null default 0
);
--> statement-breakpoint
create index token_lines_by_end on public.token_lines (ends_at);
--> statement-breakpoint
create table public.line_tokens (
  token_id uuid primary key,
  line uuid not null,
  predecessor uuid,
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index line_tokens_by_line on public.line_tokens (line, expires_at);
--> statement-breakpoint
create index line_tokens_by_predecessor on public.line_tokens (predecessor) where predecessor is not null;
--> statement-breakpoint
create index line_tokens_by_expiry on public.line_tokens (expires_at);
--> statement-breakpoint
-- Assertions that are good once, by a hash, until they are not taken any more anyway.
create table public.used_assertions (
  hash bytea primary key check (octet_length(hash) = 32),
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index used_assertions_by_expiry on public.used_assertions (expires_at);
--> statement-breakpoint
-- `bakehouse_redeem_issues` for issues of which some begin a line (`opens`) or renew a token (`renewal`).
--
-- Of a renewal whose token an entry has ended nothing is recorded, nor of one whose line is over (`finished`) or has too many
-- tokens (`crowded`). The replica has looked through the log up to `known`; what came since is looked through here, while the
-- log is held. So a renewal comes before a revocation and is found by it, or after it and is refused.
create function public.bakehouse_line_issues(issues jsonb, newcomers jsonb, clock_shift double precision)
returns table (taken jsonb, lost jsonb, ended jsonb, finished jsonb, crowded jsonb)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
as $$
declare
  log public.revocation_log;
  moment timestamptz;
  one record;
  dead integer[];
  past integer[] := '{}';
  many integer[] := '{}';
  others integer[];
  sound jsonb;
  people jsonb;
  answer record;
begin
  select l.* into strict log from public.revocation_log as l where l.singleton for update;
  moment := clock_timestamp() + clock_shift * interval '1 millisecond';
  dead := public.bakehouse_ended_grants((
    select coalesce(jsonb_agg(jsonb_build_object('place', i.place, 'platform', i.platform, 'issuer', i.issuer,
      'subject', i.subject, 'spoke_at', i.spoke_at)), '[]'::jsonb)
    from jsonb_to_recordset(issues) as i (place integer, platform text, issuer text, subject text, spoke_at text)
    where i.spoke_at is not null));
  for one in
    select i.place, i.platform, i.principal_id, i.expires_at, w.*
    from jsonb_to_recordset(issues) as i (place integer, platform text, principal_id text, expires_at timestamptz, renewal jsonb)
    cross join lateral jsonb_to_record(i.renewal) as w (
      line uuid, predecessor uuid, epoch text, known bigint, spoke_at timestamptz, issuer text, subject text, key_id text,
      links jsonb, agents jsonb, most integer, most_live integer)
    where i.renewal is not null and i.place <> all (dead)
    -- In one order everywhere: two calls that renew the same lines must not wait for each other in a circle.
    order by w.line, i.place
  loop
    if one.epoch <> log.epoch then
      raise exception 'the revocation log was replaced meanwhile' using errcode = 'lock_not_available';
    end if;
    if exists (
      select from public.revocations as r
      where r.number > one.known
        and (r.scope_kind = 'all'
          or (r.scope_kind in ('platform', 'link') and r.scope_platform = one.platform)
          or (r.scope_kind = 'principal' and r.scope_issuer = one.issuer and r.scope_subject = one.subject))
        and case r.target_kind
          when 'revocation_id' then one.links ? encode(r.target_revocation_id, 'hex')
          when 'token_id' then r.target_token_id = one.predecessor
          when 'principal' then r.target_issuer = one.issuer and r.target_subject = one.subject and r.issued_before > one.spoke_at
          when 'principal_id' then r.target_principal_id = one.principal_id and r.issued_before > one.spoke_at
          when 'agent' then one.agents ? r.target_agent and r.issued_before > one.spoke_at
            and (r.target_token_id is null or r.target_token_id = one.predecessor)
          when 'key_id' then r.target_key_id = one.key_id
          when 'platform' then r.target_platform = one.platform and r.issued_before > one.spoke_at
          when 'approval_id' then false
          -- Of a kind that this version does not know: it may be meant.
          else true
        end
    ) then
      dead := dead || one.place;
      continue;
    end if;
    if (select count(*) >= one.most_live from (
          select from public.line_tokens as t where t.line = one.line and t.expires_at > moment limit one.most_live) as live) then
      many := many || one.place;
      continue;
    end if;
    update public.token_lines as l set renewals = l.renewals + 1
    where l.id = one.line and l.ends_at > moment and l.renewals < one.most;
    if not found then
      if exists (select from public.token_lines as l where l.id = one.line and l.ends_at > moment) then
        many := many || one.place;
      else
        past := past || one.place;
      end if;
      continue;
    end if;
    insert into public.line_tokens (token_id, line, predecessor, expires_at)
    select i.id, one.line, one.predecessor, one.expires_at
    from jsonb_to_recordset(issues) as i (place integer, id uuid) where i.place = one.place;
  end loop;

  sound := (
    select coalesce(jsonb_agg(i.issue), '[]'::jsonb) from jsonb_array_elements(issues) as i (issue)
    where (i.issue ->> 'place')::integer <> all (dead || past || many));
  people := (
    select coalesce(jsonb_agg(n.newcomer), '[]'::jsonb) from jsonb_array_elements(newcomers) as n (newcomer)
    where exists (
      select from jsonb_array_elements(sound) as i (issue) where i.issue ->> 'principal_id' = n.newcomer ->> 'id'));
  select r.* into answer from public.bakehouse_record_issues(sound, people, clock_shift) as r;
  others := array(select value::integer from jsonb_array_elements_text(answer.taken || answer.lost));
  -- What was not recorded after all is no part of its line.
  delete from public.line_tokens as t using jsonb_to_recordset(issues) as i (place integer, id uuid)
  where i.place = any (others) and t.token_id = i.id;

  insert into public.token_lines (id, spoke_at, groups, claims, ends_at)
  select i.id, o.spoke_at, o.groups, nullif(o.claims, 'null'::jsonb), o.ends_at
  from jsonb_to_recordset(sound) as i (place integer, id uuid, opens jsonb)
  cross join lateral jsonb_to_record(i.opens) as o (spoke_at timestamptz, groups jsonb, claims jsonb, ends_at timestamptz)
  where i.opens is not null and i.place <> all (others);
  insert into public.line_tokens (token_id, line, expires_at)
  select i.id, i.id, i.expires_at
  from jsonb_to_recordset(sound) as i (place integer, id uuid, expires_at timestamptz, opens jsonb)
  where i.opens is not null and i.place <> all (others);

  return query select answer.taken, answer.lost, to_jsonb(dead), to_jsonb(past), to_jsonb(many);
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_line_issues(jsonb, jsonb, double precision) from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0025;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0025() then
    return false;
  end if;
  grant select, insert, delete on public.token_lines, public.line_tokens, public.used_assertions to bakehouse_app;
  grant update (renewals) on public.token_lines to bakehouse_app;
  grant execute on function public.bakehouse_line_issues(jsonb, jsonb, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
