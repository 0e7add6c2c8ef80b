/**
 * How an issuer is called: at its own address, in its description and in its tokens. These are one text, but for issuers
 * of many tenants, such as Entra's `common` and `organizations`: there the description holds a template, and each
 * tenant is an issuer of its own, whose name stands in its tokens.
 */
export interface IssuerName {
  /** The address under which its description lies. */
  readonly address: string;
  /** The name in its description. */
  readonly described: string;
  /** The names that its tokens may bear, each with its tenant; undefined if there are no tenants. */
  readonly issuers: ReadonlyMap<string, string | undefined>;
  /** The name that is meant where none is said: the first tenant's. */
  readonly own: string;
}

const MANY_TENANTS = /^\/(?:common|organizations)\/v2\.0$/;
const PLACE = "{tenantid}";

/** Whether an issuer's address is one for many tenants. */
export function hasManyTenants(issuer: string): boolean {
  return MANY_TENANTS.test(URL.parse(issuer)?.pathname ?? "");
}

/**
 * Names an issuer.
 *
 * @param tenants the tenants whose tokens are accepted, the service's own first; none but for an address of many tenants
 */
export function issuerName(issuer: string, tenants: readonly string[] = []): IssuerName {
  const [first] = tenants;
  if (first === undefined || !hasManyTenants(issuer)) {
    return { address: issuer, described: issuer, issuers: new Map([[issuer, undefined]]), own: issuer };
  }
  const described = `${new URL(issuer).origin}/${PLACE}/v2.0`;
  const issuers = new Map(tenants.map((tenant) => [filled(described, tenant), tenant]));
  return { address: issuer, described, issuers, own: filled(described, first) };
}

/** A template with a tenant in its place. A text without a place stays as it is. */
export function filled(template: string, tenant: string): string {
  return template.replaceAll(PLACE, tenant);
}
