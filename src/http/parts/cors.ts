import { ENDORSEMENTS_HEADER } from "../../words/holder.ts";
import { IDEMPOTENCY_KEY, IF_MATCH, REQUEST_ID } from "../../words/http.ts";
import { TRACEPARENT } from "../../words/traceparent.ts";

/** Headers that callers of the API send. */
const SENT = [
  "authorization",
  "content-type",
  "dpop",
  ENDORSEMENTS_HEADER,
  IDEMPOTENCY_KEY,
  IF_MATCH,
  REQUEST_ID,
  TRACEPARENT,
]
  .join(", ")
  .toLowerCase();

/** Headers of answers that a page may read besides those that every page may. */
const READ = `${REQUEST_ID}, etag, retry-after, www-authenticate`.toLowerCase();

/** Seconds that a browser may remember the answer to a preflight. */
const REMEMBERED = 600;

/**
 * The headers by which a browser lets another origin's page call the API and read its answers (Fetch §3.3).
 *
 * `access-control-allow-credentials` is not among them: a page of another origin calls with its own credential, and
 * never with the cookie of the person who is signed in here.
 *
 * @param allowed origins; with none there are no such headers at all
 * @param origin as the request says it
 * @param methods those of the path, for the answer to a preflight
 */
export function corsHeaders(
  allowed: ReadonlySet<string>,
  origin: string | null,
  methods: string | undefined,
): Readonly<Record<string, string>> {
  if (allowed.size === 0) return {};
  if (origin === null || !allowed.has(origin)) return { vary: "origin" };
  return {
    vary: "origin",
    "access-control-allow-origin": origin,
    "access-control-expose-headers": READ,
    ...(methods === undefined
      ? {}
      : {
          "access-control-allow-methods": methods,
          "access-control-allow-headers": SENT,
          "access-control-max-age": String(REMEMBERED),
        }),
  };
}
