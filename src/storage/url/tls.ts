import { type HostAddress, TLS_VERSIONS, type TlsSettings } from "./address.ts";
import { type Parameters, refused } from "./values.ts";

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

/** The well-known authorities, as libpq spells them. */
const SYSTEM = "system";

const ENCRYPTION = {
  disable: "plain",
  allow: "plain first",
  prefer: "tls first",
  require: "tls",
  "verify-ca": "tls",
  "verify-full": "tls",
} as const satisfies Record<Mode, TlsSettings["encryption"]>;

/**
 * Reads all that concerns TLS, with libpq's meaning (PostgreSQL, §34.19), but for two things. If no `sslmode` is
 * written, TLS is tried first only with another machine. And `verify-ca` and `verify-full` trust the well-known authorities
 * if no file of others is named.
 */
export function readTls(parameters: Parameters, hosts: readonly HostAddress[]): TlsSettings {
  const { text, one } = parameters;
  const mode = readMode(parameters, hosts);
  const authorities = text("sslrootcert");
  if (authorities === SYSTEM && mode !== "verify-full") {
    throw refused("sslrootcert", "is system, which needs sslmode=verify-full");
  }
  if ((text("sslcert") === undefined) !== (text("sslkey") === undefined)) {
    throw refused(
      text("sslcert") === undefined ? "sslkey" : "sslcert",
      "goes with the other of sslcert and sslkey",
    );
  }
  const direct = one("sslnegotiation", ["postgres", "direct"]) === "direct";
  const encryption = ENCRYPTION[mode];
  if (direct && encryption !== "tls") {
    throw refused("sslnegotiation", "is direct, which needs sslmode=require, verify-ca or verify-full");
  }
  return {
    encryption,
    check: checkOf(mode, authorities),
    authorities: authorities === SYSTEM ? undefined : authorities,
    certificate: text("sslcert"),
    key: text("sslkey"),
    keyPassword: text("sslpassword"),
    revoked: text("sslcrl"),
    namesHost: one("sslsni", ["0", "1"]) !== "0",
    direct,
    lowest: one("ssl_min_protocol_version", TLS_VERSIONS),
    highest: one("ssl_max_protocol_version", TLS_VERSIONS),
  };
}

function readMode({ text, one }: Parameters, hosts: readonly HostAddress[]): Mode {
  if (text("sslmode") === "no-verify")
    throw refused("sslmode", "is another client's no-verify: write require");
  const mode = one("sslmode", MODES);
  // As JDBC and others write it.
  const ssl = one("ssl", ["true", "false"]);
  if (mode !== undefined) {
    if (ssl !== undefined && (ssl === "true") === (mode === "disable"))
      throw refused("ssl", "contradicts sslmode");
    return mode;
  }
  if (ssl !== undefined) return ssl === "true" ? "require" : "disable";
  if (text("sslrootcert") === SYSTEM) return "verify-full";
  return hosts.every(isThisMachine) ? "allow" : "prefer";
}

// A file of authorities makes `require` check them (libpq keeps this from before there was `verify-ca`).
function checkOf(mode: Mode, authorities: string | undefined): TlsSettings["check"] {
  if (mode === "verify-full") return "name";
  if (mode === "verify-ca") return "authority";
  return mode === "require" && authorities !== undefined ? "authority" : "none";
}

/** Whether a server can only be on this machine. */
export function isThisMachine(host: HostAddress): boolean {
  if (host.kind === "socket") return true;
  const name = host.address ?? host.host;
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}
