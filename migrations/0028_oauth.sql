-- The authorization server. Codes, refresh tokens and clients' secrets are kept as hashes alone.

create table public.oauth_clients (
  id uuid primary key,
  name text not null,
  redirect_uris jsonb not null,
  auth_method text not null,
  jwks jsonb,
  secret_hash bytea,
  created_at timestamptz(3) not null
);
--> statement-breakpoint
create table public.oauth_codes (
  hash bytea primary key,
  client_id text not null,
  proven boolean not null,
  platform text not null,
  resource text not null,
  scopes jsonb not null,
  issuer text not null,
  subject text not null,
  identity jsonb not null,
  spoke_at timestamptz(3) not null,
  key_id text,
  redirect_uri text not null,
  challenge text not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null
);
--> statement-breakpoint
create index oauth_codes_expiry on public.oauth_codes (expires_at);
--> statement-breakpoint
create index oauth_codes_client on public.oauth_codes (client_id);
--> statement-breakpoint
create index oauth_codes_person on public.oauth_codes (issuer, subject);
--> statement-breakpoint
-- All that one code gave. `token_hash` is of the refresh token that is good, `replaced_hash` of the one before it.
create table public.oauth_families (
  id uuid primary key,
  code_hash bytea not null,
  client_id text not null,
  proven boolean not null,
  platform text not null,
  resource text not null,
  scopes jsonb not null,
  issuer text not null,
  subject text not null,
  identity jsonb not null,
  spoke_at timestamptz(3) not null,
  key_id text,
  token_hash bytea,
  replaced_hash bytea,
  replaced_at timestamptz(3),
  answer bytea,
  tokens jsonb not null,
  created_at timestamptz(3) not null,
  ends_at timestamptz(3) not null,
  constraint oauth_families_code unique (code_hash)
);
--> statement-breakpoint
create index oauth_families_end on public.oauth_families (ends_at);
--> statement-breakpoint
create index oauth_families_client on public.oauth_families (client_id);
--> statement-breakpoint
create index oauth_families_person on public.oauth_families (issuer, subject);
--> statement-breakpoint
-- Answers are kept for a client that lost one. What is past its time is cleared.
create index oauth_families_answer on public.oauth_families (replaced_at) where answer is not null;
--> statement-breakpoint
create table public.oauth_consents (
  id uuid primary key,
  issuer text not null,
  subject text not null,
  client_id text not null,
  client_name text not null,
  redirect_host text not null,
  client_hash bytea not null,
  platform text not null,
  resource text not null,
  scopes jsonb not null,
  spoke_at timestamptz(3) not null,
  key_id text,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  constraint oauth_consents_what unique (issuer, subject, client_id, redirect_host, client_hash, resource)
);
--> statement-breakpoint
create index oauth_consents_expiry on public.oauth_consents (expires_at);
--> statement-breakpoint
create index oauth_consents_client on public.oauth_consents (client_id);
--> statement-breakpoint
-- Whether the log has one of some entries, each by the hash of its scope and target.
create function public.bakehouse_has_entry(keys jsonb) returns boolean
language sql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
as $$
  select exists (
    select from jsonb_array_elements_text(keys) as key
    cross join lateral (select 1 from public.revocations as r where r.dedup = decode(key.value, 'hex') limit 1) as hit)
$$;
--> statement-breakpoint
-- `bakehouse_redeem_issues` for issues of which some redeem a code or a refresh token: those with `redeems`. Its `code` or
-- `before` is the hash of what is redeemed, `mortal` are the entries of the log that would end it beside those that end a login,
-- `family` is the row that it leaves behind. `gone` are the places of what somebody else has redeemed, or ended.
--
-- The rows are held first, then the log: whoever holds both takes them in this order. Two that redeem the same thing at once, in
-- one call or in two, are told apart by the row.
create function public.bakehouse_redeem_grants(issues jsonb, newcomers jsonb, clock_shift double precision)
returns table (taken jsonb, lost jsonb, ended jsonb, gone jsonb)
language plpgsql volatile strict
set search_path = pg_catalog, pg_temp
set seq_page_cost = 100
as $$
declare
  missing integer[];
  dead integer[];
  sound jsonb;
  people jsonb;
  recorded record;
  done integer[];
begin
  perform 1 from public.oauth_codes as c
  where c.hash in (
    select decode(i.redeems ->> 'code', 'hex') from jsonb_to_recordset(issues) as i (redeems jsonb)
    where i.redeems ->> 'code' is not null)
  order by c.hash for update;
  perform 1 from public.oauth_families as f
  where f.id in (
    select (i.redeems -> 'family' ->> 'id')::uuid from jsonb_to_recordset(issues) as i (redeems jsonb)
    where i.redeems ->> 'before' is not null)
  order by f.id for update;

  missing := array(
    select i.place
    from (
      select j.place, j.redeems,
        row_number() over (partition by coalesce(j.redeems ->> 'code', j.redeems ->> 'before') order by j.place) as turn
      from jsonb_to_recordset(issues) as j (place integer, redeems jsonb) where j.redeems is not null
    ) as i
    where i.turn > 1
      or (i.redeems ->> 'code' is not null
        and not exists (select from public.oauth_codes as c where c.hash = decode(i.redeems ->> 'code', 'hex')))
      or (i.redeems ->> 'before' is not null
        and not exists (
          select from public.oauth_families as f
          where f.id = (i.redeems -> 'family' ->> 'id')::uuid and f.token_hash = decode(i.redeems ->> 'before', 'hex'))));

  perform 1 from public.revocation_log as l where l.singleton for update;
  dead := array(
    select i.place from jsonb_to_recordset(issues) as i (place integer, redeems jsonb)
    where i.redeems is not null and i.place <> all (missing) and public.bakehouse_has_entry(i.redeems -> 'mortal'));

  sound := (
    select coalesce(jsonb_agg(i.issue), '[]'::jsonb) from jsonb_array_elements(issues) as i (issue)
    where (i.issue ->> 'place')::integer <> all (missing || dead));
  people := (
    select coalesce(jsonb_agg(n.newcomer), '[]'::jsonb) from jsonb_array_elements(newcomers) as n (newcomer)
    where exists (
      select from jsonb_array_elements(sound) as i (issue) where i.issue ->> 'principal_id' = n.newcomer ->> 'id'));
  select r.taken, r.lost, r.ended into recorded
  from public.bakehouse_redeem_issues(sound, people, clock_shift) as r;
  done := array(
    select i.place from jsonb_to_recordset(sound) as i (place integer, redeems jsonb)
    where i.redeems is not null and not recorded.taken @> to_jsonb(i.place) and not recorded.lost @> to_jsonb(i.place)
      and not recorded.ended @> to_jsonb(i.place));

  delete from public.oauth_codes as c
  where c.hash in (
    select decode(i.redeems ->> 'code', 'hex') from jsonb_to_recordset(sound) as i (place integer, redeems jsonb)
    where i.place = any (done) and i.redeems ->> 'code' is not null);
  insert into public.oauth_families (id, code_hash, client_id, proven, platform, resource, scopes, issuer, subject, identity, spoke_at,
    key_id, token_hash, tokens, created_at, ends_at)
  select f.id, decode(f.code_hash, 'hex'), f.client_id, f.proven, f.platform, f.resource, f.scopes, f.issuer, f.subject, f.identity,
    f.spoke_at, f.key_id, decode(f.token_hash, 'hex'), f.tokens, f.created_at, f.ends_at
  from jsonb_to_recordset(sound) as i (place integer, redeems jsonb)
  cross join lateral jsonb_to_record(i.redeems -> 'family') as f (id uuid, code_hash text, client_id text, proven boolean, platform text,
    resource text, scopes jsonb, issuer text, subject text, identity jsonb, spoke_at timestamptz, key_id text, token_hash text,
    tokens jsonb, created_at timestamptz, ends_at timestamptz)
  where i.place = any (done) and i.redeems ->> 'code' is not null;
  update public.oauth_families as held set
    token_hash = decode(f.token_hash, 'hex'), replaced_hash = decode(f.replaced_hash, 'hex'), replaced_at = f.replaced_at,
    answer = decode(f.answer, 'base64'), tokens = f.tokens, ends_at = f.ends_at
  from jsonb_to_recordset(sound) as i (place integer, redeems jsonb)
  cross join lateral jsonb_to_record(i.redeems -> 'family') as f (id uuid, token_hash text, replaced_hash text,
    replaced_at timestamptz, answer text, tokens jsonb, ends_at timestamptz)
  where i.place = any (done) and i.redeems ->> 'before' is not null and held.id = f.id;

  return query select recorded.taken, recorded.lost, recorded.ended || to_jsonb(dead), to_jsonb(missing);
end
$$;
--> statement-breakpoint
revoke execute on function
  public.bakehouse_has_entry(jsonb),
  public.bakehouse_redeem_grants(jsonb, jsonb, double precision)
from public;
--> statement-breakpoint
alter function public.bakehouse_grant() rename to bakehouse_grant_0027;
--> statement-breakpoint
create function public.bakehouse_grant() returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if not public.bakehouse_grant_0027() then
    return false;
  end if;
  grant select, insert, delete on public.oauth_clients, public.oauth_codes to bakehouse_app;
  grant select, insert, update, delete on public.oauth_families, public.oauth_consents to bakehouse_app;
  grant update (hash) on public.oauth_codes to bakehouse_app;
  grant execute on function public.bakehouse_has_entry(jsonb) to bakehouse_app;
  grant execute on function public.bakehouse_redeem_grants(jsonb, jsonb, double precision) to bakehouse_app;
  return true;
end
$$;
--> statement-breakpoint
revoke execute on function public.bakehouse_grant() from public;
--> statement-breakpoint
select public.bakehouse_grant();
