import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity, getCACertificates } from "node:tls";

import type { TlsSettings } from "../url/address.ts";

/** A file that the database URL names is of no use. The message says which, why, and the cure. */
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

// As OpenSSL takes them; without any it trusts nobody, and says so of the server.
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;

function authoritiesOf(file: string | undefined): readonly string[] {
  if (file !== undefined) {
    const text = read("sslrootcert", file);
    if (CERTIFICATE.test(text)) return [text];
    throw new CertificateFileError(
      `${file}, the file of sslrootcert, holds no certificate in PEM form: convert it`,
    );
  }
  return [...getCACertificates("default"), ...getCACertificates("system")];
}

function read(parameter: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CertificateFileError(
      `${path}, the file of ${parameter}, cannot be read (${code}): correct its name, or let this user read it`,
    );
  }
}
