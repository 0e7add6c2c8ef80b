import type { PeopleStore } from "../../domain/ports/principals.ts";
import type { Run } from "../engine/connection.ts";
import { isStorable, nullable, readText, writeInstant, writeText } from "../engine/values.ts";
import { deleteInBatches } from "./expiry.ts";

// Only a younger word of the issuer replaces an older one; one that is as young to the minute, and says the same, is not
// written, so that not every login writes a row. An e-mail that the issuer was asked for and does not vouch for is theirs no more ($7).
// A row that an older version wrote last is as old as it was seen.
const SAW = `
  insert into people as p (issuer, subject, email, name, seen_at, said_at)
  values ($1, $2, $3, $4, $5::timestamptz, $6::timestamptz)
  on conflict on constraint people_pkey do update
  set (email, name, said_at) = (
      select case when not is_younger then p.email when $7::boolean then excluded.email else coalesce(excluded.email, p.email) end,
        case when is_younger then coalesce(excluded.name, p.name) else p.name end,
        case when is_younger then excluded.said_at else p.said_at end
      from (select excluded.said_at >= coalesce(p.said_at, p.seen_at) as is_younger) as compared),
    seen_at = greatest(excluded.seen_at, p.seen_at)
  where p.seen_at < excluded.seen_at - interval '1 day'
    or excluded.said_at >= coalesce(p.said_at, p.seen_at) + interval '1 minute'
    or excluded.said_at >= coalesce(p.said_at, p.seen_at) and (
      case when $7::boolean then excluded.email else coalesce(excluded.email, p.email) end is distinct from p.email
      or coalesce(excluded.name, p.name) is distinct from p.name)`;

// Each text is sought by its own index. Of an e-mail two people say as much as many. Addresses of ASCII alone are compared:
// lower case maps other letters to those of ASCII, the Kelvin sign to a k.
const KNOWN = `
  select found.* from jsonb_array_elements_text($2::jsonb) as asked
  cross join lateral (
    select p.issuer, p.subject, p.email, p.name from people as p where p.issuer = $1 and p.subject = asked limit 1) as found
  union
  select found.* from jsonb_array_elements_text($3::jsonb) as asked
  cross join lateral (
    select p.issuer, p.subject, p.email, p.name from people as p where p.issuer = $1 and lower(p.email) = asked and p.email !~ '[^!-~]' limit 2) as found`;

/** The people that have been seen, in the database. */
export function createPeopleStore(run: Run): PeopleStore {
  return {
    async saw({ issuer, subject, email, name }, at, { saidAt, isWhole }) {
      await run("people.saw", (session) =>
        session.query(SAW, [
          writeText(issuer),
          writeText(subject),
          email === null ? null : writeText(email),
          name === null ? null : writeText(name),
          writeInstant(at),
          writeInstant(saidAt),
          isWhole,
        ]),
      );
    },
    async known(issuer, names) {
      const askable = names.filter(isStorable);
      if (askable.length === 0 || !isStorable(issuer)) return [];
      const addresses = askable.filter((name) => !/[^!-~]/.test(name)).map((name) => name.toLowerCase());
      const rows = await run("people.known", (session) =>
        session.query(KNOWN, [issuer, JSON.stringify(askable), JSON.stringify(addresses)]),
      );
      return rows.map((row) => ({
        issuer: readText(row["issuer"]),
        subject: readText(row["subject"]),
        email: nullable(readText)(row["email"]),
        name: nullable(readText)(row["name"]),
      }));
    },
    async dropBefore(instant) {
      await deleteInBatches(
        run,
        "people.dropBefore",
        { table: "people", key: "issuer, subject", by: "seen_at", is: "< $2::timestamptz" },
        [writeInstant(instant)],
      );
    },
  };
}
