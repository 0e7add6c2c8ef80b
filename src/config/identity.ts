import { isLoopbackHost } from "../domain/access/this-machine.ts";
import type { IssuerKind } from "../domain/ports/identity.ts";
import { developmentIssuer } from "../oidc/development/issuer.ts";
import { type GroupsClaim, parseGroupsClaim, USUAL_GROUPS_CLAIM } from "../oidc/groups-claim.ts";
import { hasManyTenants, issuerName } from "../oidc/issuer-name.ts";
import { UUID } from "../words/ids.ts";
import { Invalid, type Reader } from "./environment.ts";
import { parseNames, parseOrigin, parseUrl } from "./values.ts";

/** An issuer that is believed besides the service's own: its ID tokens, or its assertions. */
export interface TrustedIssuer {
  readonly issuer: string;
  /** The tokens that it is believed: a person's ID tokens, or assertions about workloads or (as ID-JAG) about people. */
  readonly kind: IssuerKind;
  /** Of ID tokens; empty for the other kinds, whose assertions are for this service alone. */
  readonly audiences: readonly string[];
  readonly groupsClaim: GroupsClaim;
}

/** The source of humans: a real issuer, or the development identity provider under this service's own origin. */
export type OidcConfig =
  | {
      readonly kind: "issuer";
      readonly issuer: string;
      /** The tenants of an issuer of many that are let in, the service's own first; empty for any other issuer. */
      readonly tenants: readonly string[];
      readonly clientId: string;
      readonly clientSecret: string | undefined;
      readonly cliClientId: string | undefined;
      /** The origin at which this service reaches the issuer, in place of the one that browsers use. */
      readonly backChannel: string | undefined;
    }
  | { readonly kind: "development" };

function parseIssuer(text: string): string {
  const url = parseUrl(text, ["https:", "http:"]);
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw new Invalid("must be a URL without user, query and fragment");
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    throw new Invalid("must be https: unless it is on this machine");
  }
  return text; // exactly as written: issuers are compared character by character (OpenID Connect Core §2)
}

function groupsClaimOf(text: string): GroupsClaim {
  const claim = parseGroupsClaim(text);
  if (claim !== undefined) return claim;
  throw new Invalid(
    'must be a claim such as groups, a path such as realm_access.roles, a full name such as "https://example.com/groups" in double quotes, or none',
  );
}

const KINDS = ["person", "workload", "id-jag"] as const satisfies readonly IssuerKind[];

function parseTrustedIssuers(text: string): readonly TrustedIssuer[] {
  const shape = 'must be JSON such as [{"issuer":"https://…","audiences":["…"]}]';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Invalid(shape);
  }
  if (!Array.isArray(value)) throw new Invalid(shape);
  return value.map((item: unknown) => {
    if (typeof item !== "object" || item === null) throw new Invalid(shape);
    const {
      issuer,
      audiences,
      kind: word = "person",
      groups_claim = "groups",
      ...unknown
    } = item as Readonly<Record<string, unknown>>;
    const kind = KINDS.find((one) => one === word);
    const texts =
      Array.isArray(audiences) && audiences.length > 0 && audiences.every((a) => typeof a === "string");
    const named = typeof issuer === "string" && typeof groups_claim === "string";
    if (!named || kind === undefined || Object.keys(unknown).length > 0) throw new Invalid(shape);
    if (kind !== "person" && audiences !== undefined) {
      throw new Invalid(
        "takes audiences for people only: assertions are for this service's PUBLIC_URL alone",
      );
    }
    if (kind === "person" && !texts) throw new Invalid(shape);
    return {
      issuer: parseIssuer(issuer),
      kind,
      audiences: texts ? (audiences as readonly string[]) : [],
      groupsClaim: groupsClaimOf(groups_claim),
    };
  });
}

/** The source of people, and the administrators among them. */
export interface IdentityConfig {
  readonly oidc: OidcConfig;
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** The claim in which OIDC_ISSUER names groups. */
  readonly groupsClaim: GroupsClaim;
  readonly adminGroups: readonly string[];
}

function issuersOf(trusted: readonly TrustedIssuer[], kinds: readonly IssuerKind[]): readonly string[] {
  return trusted.filter(({ kind }) => kinds.includes(kind)).map(({ issuer }) => issuer);
}

/** The settings that the identity settings depend on. */
export interface IdentitySurroundings {
  readonly host: string;
  readonly publicUrl: string;
  /** Whether the database is a server's. */
  readonly hasServer: boolean;
}

/** Reads all that concerns people. */
export function readIdentity(reader: Reader, surroundings: IdentitySurroundings): IdentityConfig {
  const oidc = readOidc(reader, surroundings);
  const trustedIssuers = reader.read("OIDC_TRUSTED_ISSUERS", parseTrustedIssuers) ?? [];
  const groupsClaim = reader.read("OIDC_GROUPS_CLAIM", groupsClaimOf);
  const adminGroups = reader.read("ADMIN_GROUPS", parseNames) ?? [];
  // Named twice, the development provider's principals could pass for those of an issuer that one trusts.
  const own =
    oidc.kind === "issuer"
      ? [...issuerName(oidc.issuer, oidc.tenants).issuers.keys()]
      : [developmentIssuer(surroundings.publicUrl)];
  const ofPeople = new Set([...own, ...issuersOf(trustedIssuers, ["person", "id-jag"])]);
  if (issuersOf(trustedIssuers, ["workload"]).some((issuer) => ofPeople.has(issuer))) {
    // A policy's rule names an issuer: it must not admit jobs where it was written for people.
    reader.problem(
      "OIDC_TRUSTED_ISSUERS: names an issuer for people and for workloads: it is of one or the other",
    );
  }
  const twice = KINDS.some((kind) => {
    const named = [...issuersOf(trustedIssuers, [kind]), ...(kind === "person" ? own : [])];
    return new Set(named).size < named.length;
  });
  if (twice) reader.problem("OIDC_TRUSTED_ISSUERS: names an issuer twice");
  if (adminGroups.some((group) => /^(?:cn|ou|dc|o)=[^,]*$/i.test(group))) {
    reader.warn(
      'ADMIN_GROUPS: holds a part of an LDAP name: to keep its commas write a JSON list such as ["cn=admins,dc=example"]',
    );
  }
  if (oidc.kind === "issuer" && oidc.backChannel?.startsWith("http:") === true) {
    reader.warn(
      "OIDC_BACKCHANNEL_URL: is http: whoever can change what passes there can sign in as anybody (https with OIDC_CA_FILE closes that)",
    );
  }
  if (groupsClaim === null && adminGroups.length > 0) {
    reader.problem("ADMIN_GROUPS: nobody is in a group with OIDC_GROUPS_CLAIM none");
  }
  return {
    oidc,
    trustedIssuers,
    groupsClaim: groupsClaim === undefined ? USUAL_GROUPS_CLAIM : groupsClaim,
    adminGroups,
  };
}

/** Settings that mean nothing without an issuer of one's own. */
const ISSUER_SETTINGS = [
  "OIDC_CLIENT_ID",
  "OIDC_CLIENT_SECRET",
  "OIDC_CLI_CLIENT_ID",
  "OIDC_BACKCHANNEL_URL",
  "OIDC_GROUPS_CLAIM",
  "OIDC_TENANTS",
] as const;

function parseTenants(value: string): readonly string[] {
  const tenants = parseNames(value).map((tenant) => tenant.toLowerCase());
  if (tenants.length === 0 || !tenants.every((tenant) => UUID.test(tenant))) {
    throw new Invalid("must be tenant ids (UUIDs) between commas, your own first");
  }
  return [...new Set(tenants)];
}

/** The tenants, without which whoever has an account at any tenant of the world could sign in. */
function readTenants({ text, isSet, read, problem }: Reader): readonly string[] {
  const many = hasManyTenants(text("OIDC_ISSUER") ?? "");
  if (many && !isSet("OIDC_TENANTS")) {
    problem(
      "OIDC_TENANTS: is needed with an issuer of many tenants: the ids of those who are let in, your own first",
    );
  }
  if (!many && isSet("OIDC_TENANTS")) {
    problem(
      "OIDC_TENANTS: goes with an issuer of many tenants only, such as https://login.microsoftonline.com/organizations/v2.0",
    );
  }
  return read("OIDC_TENANTS", parseTenants) ?? [];
}

function readOidc(reader: Reader, { host, publicUrl, hasServer }: IdentitySurroundings): OidcConfig {
  const { text, isSet, read, problem } = reader;
  const issuer = text("OIDC_ISSUER");
  if (issuer === undefined || issuer === "development") {
    if (issuer === undefined && hasServer) {
      problem(
        "OIDC_ISSUER: is needed with a DATABASE_URL (`development` for the development identity provider)",
      );
    }
    if (!isLoopbackHost(host) || !isLoopbackHost(new URL(publicUrl).hostname)) {
      problem("OIDC_ISSUER: is needed unless HOST and PUBLIC_URL are loopback");
    }
    for (const name of ISSUER_SETTINGS) {
      if (isSet(name)) problem(`${name}: goes with an OIDC_ISSUER only`);
    }
    return { kind: "development" };
  }
  const clientId = read("OIDC_CLIENT_ID", (value) => value);
  if (clientId === undefined) problem("OIDC_CLIENT_ID: is needed with an OIDC_ISSUER");
  // Assertions are for the service by its address, ID tokens are by its client id: one must not pass for the other.
  if ([clientId, text("OIDC_CLI_CLIENT_ID")].includes(publicUrl)) {
    problem("OIDC_CLIENT_ID, OIDC_CLI_CLIENT_ID: must not be PUBLIC_URL, for which assertions are");
  }
  return {
    kind: "issuer",
    issuer: read("OIDC_ISSUER", parseIssuer) ?? "",
    tenants: readTenants(reader),
    clientId: clientId ?? "",
    clientSecret: text("OIDC_CLIENT_SECRET"),
    cliClientId: text("OIDC_CLI_CLIENT_ID"),
    backChannel: read("OIDC_BACKCHANNEL_URL", parseOrigin),
  };
}
