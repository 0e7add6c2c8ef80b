import { createProxyChoice } from "../../config/proxy-choice.ts";
import type { Config } from "../../config.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { issuerName } from "../../oidc/issuer-name.ts";
import { createIssuerSource } from "../../oidc/issuer-source.ts";
import { createTransport } from "../../oidc/issuer-transport.ts";
import { openPeople } from "../people.ts";
import { systemClock, systemRandomness } from "../system.ts";
import { about, type Finding } from "./finding.ts";

const CURES: Readonly<Record<string, string>> = {
  dns: "is the name right, and does this machine resolve it?",
  refused: "is it the right port, and does a firewall let this machine through?",
  timeout: "does a firewall let this machine through? A proxy is named by HTTPS_PROXY",
  tls: "where its certificate is of an authority of your own, OIDC_CA_FILE names that",
  proxy: "look at HTTPS_PROXY and NO_PROXY",
  http_status: "is the issuer's address exact, as its own description says it?",
};

/** Looks whether logins would work, and whether the documents of all trusted issuers can be read. */
export async function issuerFindings(config: Config): Promise<readonly Finding[]> {
  return Promise.all([
    ownIssuer(config),
    // One may be named for several kinds.
    ...[...new Set(config.trustedIssuers.map(({ issuer }) => issuer))].map((issuer) =>
      trustedIssuer(config, issuer),
    ),
  ]);
}

async function ownIssuer(config: Config): Promise<Finding> {
  const { ok, warning } = about("issuer");
  if (config.oidc.kind === "development") {
    const why = "the development identity provider: anyone on this machine signs in as anyone";
    return warning(why, "set OIDC_ISSUER before anybody relies on the tokens");
  }
  const { issuer } = config.oidc;
  const people = await openPeople(
    config,
    { clock: systemClock, randomness: systemRandomness },
    () => undefined,
  );
  return (await failure("issuer", issuer, () => people.checkIssuer())) ?? ok(`${issuer}: logins would work`);
}

async function trustedIssuer(config: Config, issuer: string): Promise<Finding> {
  const { authorities, proxies } = config.providerNetwork;
  const source = createIssuerSource({
    name: issuerName(issuer),
    allowInsecureIssuer: issuer.startsWith("http:"),
    clock: systemClock,
    fetch: createTransport({ authorities, proxyFor: createProxyChoice(proxies) }),
  });
  const found = await failure("trusted issuer", issuer, () => source.current());
  return found ?? about("trusted issuer").ok(`${issuer}: its description and keys are read`);
}

async function failure(
  name: string,
  issuer: string,
  ask: () => Promise<unknown>,
): Promise<Finding | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { facts = {}, message } = error;
    const { address, cause, code, status } = facts;
    const more = [address, code, status].filter((fact) => fact !== undefined).join(", ");
    const detail = `${issuer}: ${message}${more === "" ? "" : ` (${more})`}`;
    return about(name).failed(detail, CURES[String(cause)] ?? "ask whoever runs it");
  }
}
