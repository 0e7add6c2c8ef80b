import { createLocalJWKSet, type JSONWebKeySet, type JWK } from "jose";

import { DomainError } from "../domain/parts/error.ts";
import { type Fetch, issuerUnavailable, shownAddress } from "./issuer-fetch.ts";
import {
  type IssuerMetadata,
  isObject,
  readIssuerMetadata,
  type UnusableEndpoints,
} from "./issuer-metadata.ts";
import type { IssuerName } from "./issuer-name.ts";
import { type AddressRules, discoveryAddress } from "./issuer-url.ts";

/** An issuer's description and its keys, read together. */
export interface IssuerDocuments {
  readonly metadata: IssuerMetadata;
  readonly unusable: UnusableEndpoints;
  /** Finds the key for a token's header; rejects with jose's errors. */
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  /** The issuers that keys are bound to by their member `issuer`, by key id. */
  readonly keyIssuers: ReadonlyMap<string, readonly string[]>;
}

const MAX_KEYS = 100;
const ASYMMETRIC = new Set(["RSA", "EC", "OKP"]);

/**
 * Reads an issuer's description and its keys.
 *
 * Rejects with a DomainError `unavailable` if either could not be had or is not as the
 * specifications say: a broken issuer says nothing about a token.
 */
export async function readIssuerDocuments(
  { address: issuer, described }: IssuerName,
  rules: AddressRules,
  fetch: Fetch,
): Promise<IssuerDocuments> {
  const address = discoveryAddress(issuer);
  const { metadata, unusable } = await within(address, async () =>
    readIssuerMetadata(await getJson(fetch, address, "configuration"), described, rules),
  );
  const jwks = await within(metadata.jwks_uri, async () =>
    readKeySet(await getJson(fetch, metadata.jwks_uri, "key set")),
  );
  return { metadata, unusable, keys: createLocalJWKSet(jwks), keyIssuers: issuersOf(jwks) };
}

/** Adds to an error of the issuer's the address of the document that it is about. */
async function within<T>(address: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const facts = { address: shownAddress(address), cause: "answer", ...error.facts };
    throw new DomainError(error.code, error.message, error.member, facts);
  }
}

async function getJson(fetch: Fetch, url: string, what: string): Promise<unknown> {
  const response = await fetch(url, { headers: { accept: "application/json" } });
  const { status } = response;
  if (status !== 200) {
    throw issuerUnavailable(`its ${what} has status ${status}`, { cause: "http_status", status });
  }
  try {
    return await response.json();
  } catch {
    throw issuerUnavailable(`its ${what} is not JSON`);
  }
}

function readKeySet(value: unknown): JSONWebKeySet {
  const keys = isObject(value) ? value["keys"] : undefined;
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw issuerUnavailable("its key set is malformed");
  const usable = keys.filter(isPublicKey);
  if (usable.length === 0) throw issuerUnavailable("its key set has no usable key");
  return { keys: usable };
}

function issuersOf({ keys }: JSONWebKeySet): ReadonlyMap<string, readonly string[]> {
  const issuers = new Map<string, string[]>();
  for (const key of keys) {
    const issuer: unknown = Reflect.get(key, "issuer");
    if (key.kid === undefined || typeof issuer !== "string") continue;
    issuers.set(key.kid, [...(issuers.get(key.kid) ?? []), issuer]);
  }
  return issuers;
}

// A shared secret in a public document is known to everyone, and so is a private key.
function isPublicKey(value: unknown): value is JWK {
  if (!isObject(value) || value["d"] !== undefined) return false;
  return typeof value["kty"] === "string" && ASYMMETRIC.has(value["kty"]);
}
