import { z } from "zod";

/** The URLs by which one database is reached. */
export interface Urls {
  /** As the owner of the schema, who migrates. */
  readonly owner: string;
  /** As the service. */
  readonly service: string;
  /** Past the pooler, if there is one and it is to be passed: as `DATABASE_DIRECT_URL`. */
  readonly direct?: string | undefined;
}

/** Environment variable with the URLs of some database of the test server, as JSON: `npm run matrix` sets it. */
export const WAY = "BAKEHOUSE_TEST_WAY";

const urlsSchema = z.object({ owner: z.string(), service: z.string(), direct: z.string().optional() });

/**
 * How the service and its owner reach a database in this run.
 *
 * @param database its URL as the superuser's, directly
 */
export function reach(database: string): Urls {
  const given = process.env[WAY];
  if (given === undefined) return { owner: database, service: database };
  const { pathname } = new URL(database);
  const { owner, service, direct } = urlsSchema.parse(JSON.parse(given));
  const at = (url: string) => {
    const own = new URL(url);
    own.pathname = pathname;
    return own.href;
  };
  return { owner: at(owner), service: at(service), direct: direct && at(direct) };
}
