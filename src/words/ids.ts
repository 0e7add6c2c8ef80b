/** A UUID of any version in its canonical form, lower case (RFC 9562 §4). */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID of version 7 in its canonical form: ids of tokens, of requests for discharges, of approvals. */
export const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The id of a key or a principal: 12 random bytes in base64url. */
export const SHORT_ID = /^[A-Za-z0-9_-]{16}$/;

/** A revocation id: 16 bytes in base64url. The last character carries two bits, so only four are canonical. */
export const REVOCATION_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** An approval's id in caveats and revocations. The service itself makes UUIDs of version 7. */
export const APPROVAL_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** The id of a discharge in its `bh.discharge` caveat. The service itself makes 16 random bytes in base64url. */
export const DISCHARGE_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** A key's thumbprint: SHA-256 in base64url. The last character carries four bits, so only sixteen are canonical. */
export const THUMBPRINT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** A unit in which calls cost something: `EUR`, `tokens`. */
export const UNIT = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** An agent: `NAME` or `NAME#INSTANCE`. */
export const AGENT = /^[A-Za-z0-9._:/@-]{1,128}(?:#[A-Za-z0-9._:/@-]{1,128})?$/;

/** Splits an agent that {@link AGENT} matches. `instance` is undefined for a name alone. */
export function splitAgent(agent: string): { readonly name: string; readonly instance: string | undefined } {
  const [name = agent, instance] = agent.split("#");
  return { name, instance };
}

/** Whether the text is a UUID of version 7 in its canonical form. */
export function isUuidv7(text: string): boolean {
  return UUID_V7.test(text);
}

/** The time in a canonical UUID of version 7 (RFC 9562 §5.7), unix milliseconds. */
export function uuidv7Time(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** A scope of a resource: a scope token (RFC 6749 §3.3). */
export const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

/** The id of an OAuth client in a `client` caveat: visible ASCII (RFC 6749 §A.1, without the space). */
export const CLIENT_ID = /^[\x21-\x7e]{1,2048}$/;

/** The form of a refresh token. No macaroon of this service is as short. */
export const REFRESH_TOKEN = /^[A-Za-z0-9_-]{80}$/;
