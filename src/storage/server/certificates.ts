import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity, getCACertificates } from "node:tls";

import type { TlsSettings } from "../url/address.ts";

/** A file that the database URL names cannot be read. */
export class CertificateFileError extends Error {
  override readonly name = "CertificateFileError";
}

/**
 * Turns the TLS part of a URL into options of Node's TLS. Files are read anew for every connection: certificates are replaced
 * while the service runs.
 *
 * @param host as it was named
 * @throws CertificateFileError
 */
export function tlsOptions(settings: TlsSettings, host: string): ConnectionOptions {
  const { authorities, certificate, key, keyPassword, revoked, lowest, highest } = settings;
  return {
    rejectUnauthorized: settings.check !== "none",
    ...(settings.namesHost && isIP(host) === 0 ? { servername: host } : {}),
    // By itself Node compares with the name that the handshake sends, which is none for an address and may be left out.
    checkServerIdentity: (_, peer) =>
      settings.check === "name" ? checkServerIdentity(host, peer) : undefined,
    ...(settings.check === "none" ? {} : { ca: [...authoritiesOf(authorities)] }),
    ...(certificate === undefined ? {} : { cert: read("sslcert", certificate) }),
    ...(key === undefined ? {} : { key: read("sslkey", key) }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(revoked === undefined ? {} : { crl: read("sslcrl", revoked) }),
    ...(lowest === undefined ? {} : { minVersion: lowest }),
    ...(highest === undefined ? {} : { maxVersion: highest }),
  };
}

function authoritiesOf(file: string | undefined): readonly string[] {
  if (file !== undefined) return [read("sslrootcert", file)];
  return [...getCACertificates("default"), ...getCACertificates("system")];
}

function read(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CertificateFileError(`the file of ${parameter} cannot be read: ${path} (${code})`);
  }
}
