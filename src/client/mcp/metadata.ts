import type { Bakehouse } from "../index.ts";

/** The well-known path of RFC 9728 §3.1, before the resource's own. */
const WELL_KNOWN = "/.well-known/oauth-protected-resource";

const METHODS = "GET, HEAD, OPTIONS";

/** What others may read of a resource before they have a token for it (RFC 9728). */
export interface ResourceMetadata {
  /** The document's address. */
  readonly url: string;
  /**
   * The answer to a request for the document; undefined for any other request.
   *
   * @throws BakehouseError if the service's name can't be had from it
   */
  answer(request: Request): Promise<Response | undefined>;
  /** The service's `issuer`, as it names itself. @throws BakehouseError */
  issuer(): Promise<string>;
}

/** @param issuer asked of the service unless given, once */
export function createResourceMetadata(
  service: Pick<Bakehouse, "discover">,
  resource: URL,
  members: {
    readonly resource: string;
    readonly scopes: readonly string[];
    readonly name: string | undefined;
  },
  issuer: string | undefined,
): ResourceMetadata {
  const own = resource.pathname === "/" ? "" : resource.pathname.replace(/\/$/, "");
  const path = `${WELL_KNOWN}${own}`;
  let known: Promise<string> | undefined = issuer === undefined ? undefined : Promise.resolve(issuer);

  function issuerOf(): Promise<string> {
    known ??= service.discover().then(
      (found) => found.issuer,
      (error: unknown) => {
        // An outage is no answer to be kept.
        known = undefined;
        throw error;
      },
    );
    return known;
  }

  return {
    url: `${resource.origin}${path}${resource.search}`,
    issuer: issuerOf,

    async answer(request) {
      if (new URL(request.url).pathname.replace(/\/$/, "") !== path) return undefined;
      // Pages of any origin may read it: it holds nothing that is not public.
      const open = { "access-control-allow-origin": "*" };
      if (request.method === "OPTIONS") {
        const headers = new Headers({ ...open, "access-control-allow-methods": METHODS });
        const asked = request.headers.get("access-control-request-headers");
        if (asked !== null) headers.set("access-control-allow-headers", asked);
        return new Response(null, { status: 204, headers });
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        return new Response(null, { status: 405, headers: { ...open, allow: METHODS } });
      }
      const document = {
        resource: members.resource,
        authorization_servers: [await issuerOf()],
        bearer_methods_supported: ["header"],
        scopes_supported: members.scopes,
        ...(members.name !== undefined && { resource_name: members.name }),
      };
      return new Response(request.method === "HEAD" ? null : JSON.stringify(document), {
        headers: { ...open, "content-type": "application/json", "cache-control": "public, max-age=300" },
      });
    },
  };
}
