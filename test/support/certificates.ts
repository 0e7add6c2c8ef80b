import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { scratchFolder } from "./scratch.ts";

/** An authority that nobody else trusts, and a certificate of it. */
export interface Certificates {
  /** The file with the authority's certificate. */
  readonly authority: string;
  /** The server's certificate and key, both in PEM form. */
  readonly certificate: string;
  readonly key: string;
}

const KIND = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

/** Makes them with openssl, for a server of one name. */
export function makeCertificates(name: string): Certificates {
  const folder = scratchFolder("certificates");
  const at = (file: string) => join(folder, file);
  request("-out", at("ca.crt"), "-keyout", at("ca.key"), "-subj", "/CN=authority of a test");
  const signed = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-addext", `subjectAltName=DNS:${name}`];
  const own = ["-addext", "basicConstraints=critical,CA:FALSE", "-subj", `/CN=${name}`];
  request("-out", at("server.crt"), "-keyout", at("server.key"), ...signed, ...own);
  return {
    authority: at("ca.crt"),
    certificate: readFileSync(at("server.crt"), "utf8"),
    key: readFileSync(at("server.key"), "utf8"),
  };
}

function request(...options: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", ["req", "-x509", ...KIND, ...options], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
}
