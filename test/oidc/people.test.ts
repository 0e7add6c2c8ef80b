import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";

import type { Environment } from "../../src/config/environment.ts";
import { parseConfig } from "../../src/config.ts";
import { openPeople, type People } from "../../src/run/people.ts";
import { systemClock, systemRandomness } from "../../src/run/system.ts";
import { createAuthority } from "../support/authority.ts";
import { type FakeIssuer, type FakeIssuerOptions, startFakeIssuer } from "../support/fake-issuer.ts";
import { scratchFolder } from "../support/scratch.ts";
import { startWebProxy, type WebProxy } from "../support/web-proxy.ts";
import { failureOf } from "./provider.ts";

const TENANT = "11111111-1111-1111-1111-111111111111";
const PARTNER = "22222222-2222-2222-2222-222222222222";
const authority = createAuthority();

let issuer: FakeIssuer;
let proxy: WebProxy | undefined;

afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await issuer.close();
});

async function start(options: FakeIssuerOptions, set: (issuer: FakeIssuer) => Environment): Promise<People> {
  issuer = await startFakeIssuer(options);
  const config = parseConfig({
    OIDC_ISSUER: issuer.issuer,
    OIDC_CLIENT_ID: "bakehouse",
    OIDC_CLI_CLIENT_ID: "cli",
    ...set(issuer),
  });
  return openPeople(config, { clock: systemClock, randomness: systemRandomness }, () => {});
}

function authorityFile(): string {
  const file = join(scratchFolder("authority"), "ca.pem");
  writeFileSync(file, authority.cert);
  return file;
}

test("settings for authorities and proxies reach logins and ID tokens", async () => {
  const people = await start(
    { tls: authority.certify("login.test"), publicOrigin: "https://login.test" },
    () => ({ OIDC_CA_FILE: authorityFile(), HTTPS_PROXY: "http://127.0.0.1:1" }),
  );
  // Nothing listens there yet.
  expect(await failureOf(people.checkIssuer())).toMatchObject({ facts: { cause: "refused" } });
  proxy = await startWebProxy(Number(new URL(issuer.url).port));
  const through = await openPeople(
    parseConfig({
      OIDC_ISSUER: "https://login.test",
      OIDC_CLIENT_ID: "bakehouse",
      OIDC_CA_FILE: authorityFile(),
      https_proxy: proxy.url,
    }),
    { clock: systemClock, randomness: systemRandomness },
    () => {},
  );
  await through.checkIssuer();
  expect(await through.idTokens.verify(await issuer.signIdToken())).toMatchObject({ ok: true });
  expect(new Set(proxy.asked)).toEqual(new Set(["CONNECT login.test:443"]));
});

test("the setting for the groups' claim reaches both, and so does the back channel", async () => {
  const people = await start({ publicOrigin: "https://login.test" }, ({ url }) => ({
    OIDC_BACKCHANNEL_URL: url,
    OIDC_GROUPS_CLAIM: "realm_access.roles",
  }));
  await people.checkIssuer();
  const token = await issuer.signIdToken({ realm_access: { roles: "admin" } });
  expect(await people.idTokens.verify(token)).toMatchObject({ identity: { groups: ["admin"] } });
  expect((await people.relyingParty.begin("/")).url).toMatch(/^https:\/\/login\.test\/authorize\?/);
});

test("people log in with one's own issuer, and with none whose tokens alone are accepted", async () => {
  const trusted = [{ issuer: "https://partner.test", audiences: ["bakehouse"] }];
  const people = await start({}, () => ({ OIDC_TRUSTED_ISSUERS: JSON.stringify(trusted) }));
  expect(people.loginIssuers).toEqual(new Set([issuer.issuer]));
});

test("of several tenants the first is the service's own, and what the command line logs in with", async () => {
  const people = await start({ path: "/organizations/v2.0" }, () => ({
    OIDC_TENANTS: `${TENANT},${PARTNER},${TENANT}`,
  }));
  const own = `${issuer.url}/${TENANT}/v2.0`;
  expect(people).toMatchObject({ ownIssuer: own, commandLineLogin: { issuer: own, clientId: "cli" } });
  expect(people.loginIssuers).toEqual(new Set([own, `${issuer.url}/${PARTNER}/v2.0`]));
  issuer.faults.discoveryIssuer = `${issuer.url}/{tenantid}/v2.0`;
  const token = await issuer.signIdToken({ iss: own, tid: TENANT });
  expect(await people.idTokens.verify(token)).toMatchObject({ ok: true, identity: { issuer: own } });
});
