import { randomBytes } from "node:crypto";

import {
  attenuate,
  bind,
  boxPublicKey,
  decodeBundle,
  encodeBundle,
  mint,
  openTicket,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { hand } from "../demo/house.ts";
import { type As, type Client, createClient, signIn } from "../support/process-client.ts";
import { noteSecret } from "../support/process-logs.ts";
import { logInFromCommandLine } from "./people.ts";
import { type Secret, textSecret } from "./search.ts";

/** What has been made and must not be found, and what was answered. */
export interface Told {
  readonly tokens: Set<string>;
  readonly secrets: Secret[];
  /** Every answer but those that hand a new token to its caller. */
  readonly answers: string[];
}

/** What must be found, in all places but the answers. */
export interface Canaries {
  /** Of a label, which goes into a text column. */
  readonly label: string;
  /** Of a request id, which goes into the log. */
  readonly request: string;
}

export function macaroonOf(token: string): UnverifiedMacaroon {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(`not a token: ${decoded.code}`);
  return decoded.macaroons[0];
}

/** A part of a token changed, so that its signature is wrong. */
function forged(token: string): string {
  return encodeBundle([{ ...attenuate(macaroonOf(token), ["action = read"]), signature: randomBytes(32) }]);
}

/** Requests that hold secrets where none belong, all refused. */
async function misplace(client: Client, as: As, token: string, session: string): Promise<void> {
  const places: readonly [string, string, Parameters<Client["call"]>[2]][] = [
    ["GET", `/v1/tokens/${token}`, { as }],
    ["GET", `/v1/tokens?cursor=${token}`, { as }],
    ["GET", `/v1/tokens?${token}=1`, { as }],
    ["GET", `/${token}`, {}],
    ["GET", `/callback?code=${token}&state=${session}`, {}],
    ["GET", `/login?return_to=/${token}`, {}],
    ["PUT", `/v1/platforms/${token}/policy`, { as, body: { rules: [] } }],
    ["POST", "/v1/platforms", { as, body: { name: token } }],
    ["POST", "/v1/verify", { as, body: { [token]: 1 } }],
    ["POST", "/v1/verify", { as, body: { token: { [token]: token }, context: {} } }],
    ["POST", "/v1/verify", { as, body: `{"token":"${token}","token":"${token}","context":{}}` }],
    ["POST", "/v1/verify", { as, body: `{"token":"${token}` }],
    ["POST", "/v1/verify", { as, body: token }],
    ["POST", "/v1/verify", { as, body: { token: "x", context: { time: token } } }],
    ["POST", "/v1/verify", { as, body: { token: "x", context: {}, min_sequence: token } }],
    ["POST", "/v1/tokens", { as, body: { platform: token, on_behalf_of: { subject: token } } }],
    ["POST", "/v1/tokens", { as, body: { platform: "default", caveats: [token] } }],
    ["POST", "/v1/tokens", { as, body: { platform: "default", ttl: token } }],
    ["POST", "/v1/revocations", { as, body: { targets: [{ token_id: token }] } }],
    ["POST", "/v1/revocations", { as, body: { targets: [{ revocation_id: session }] } }],
    ["POST", "/v1/revocations", { body: { targets: [{ token: `${token}AAAA` }] } }],
    ["POST", "/v1/tokens", { as: { token: `${token}.${session}` }, body: {} }],
    ["GET", "/v1/tokens", { headers: { authorization: `Basic ${token}` } }],
    ["GET", "/v1/tokens", { headers: { authorization: token } }],
    ["GET", "/v1/tokens", { headers: { cookie: `bakehouse=${token}` } }],
    ["GET", "/v1/tokens", { headers: { cookie: `bakehouse=${session}; bakehouse=${session}` } }],
    ["GET", "/v1/tokens", { headers: { "x-request-id": token, "idempotency-key": token } }],
    ["POST", "/v1/tokens", { as, body: {}, headers: { "content-type": token } }],
    [
      "POST",
      "/v1/tokens",
      { as, body: { platform: "default" }, headers: { "idempotency-key": ` ${token}` } },
    ],
    ["POST", "/v1/verify", { as: { session }, body: {}, headers: { origin: `https://${session}.example` } }],
  ];
  for (const [method, path, sent] of places) {
    const { status, text } = await client.call(method, path, sent);
    if (status < 300 || status >= 500) throw new Error(`${method} of a misplaced secret: ${status} ${text}`);
  }
}

/** Waits until all that was done so far is in the audit tree. @returns the paths of all that can be read of it */
async function auditPaths(client: Client, as: { readonly token: string }): Promise<readonly string[]> {
  for (;;) {
    const { text } = await client.call("GET", "/v1/audit?action=token.revoked&limit=1", { as });
    if (text.includes('"leaf"')) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { text } = await client.call("GET", "/v1/audit/checkpoint", { as });
  const size = Number(text.split("\n")[1]);
  if (!(size > 10 && size < 256)) throw new Error(`the audit tree has ${size} leaves`);
  return [
    "/v1/audit",
    "/v1/audit?limit=1000",
    "/v1/audit/export",
    "/v1/audit/export?platform=default",
    "/v1/audit/checkpoint",
    "/v1/audit/key",
    `/v1/audit/tile/0/000.p/${size}`,
  ];
}

/** Lives through everything that handles a secret, at a service that is bootstrapped. */
export async function tellStory(
  url: string,
  credentials: { readonly platform: string; readonly administrator: string },
  told: Told,
  canaries: Canaries,
): Promise<void> {
  const client = createClient(url, (text) => {
    // What hands a new token to its caller is the one answer that holds one.
    if (!text.includes('{"token":"')) told.answers.push(text);
  });
  const platform = { token: credentials.platform };
  const administrator = { token: credentials.administrator };
  const keep = (token: string): string => {
    told.tokens.add(token);
    noteSecret(token);
    return token;
  };
  for (const { token } of [platform, administrator]) keep(token);

  const alice = {
    session: await signIn(url, { name: "Alice", email: "alice@example.com", groups: "staff" }),
  };
  told.secrets.push(textSecret("a session cookie", alice.session));
  const bob = await logInFromCommandLine(url, "Bob");
  for (const [name, text] of Object.entries(bob)) told.secrets.push(textSecret(`${name} of a login`, text));
  const [, , signature = ""] = bob.idToken.split(".");
  told.secrets.push(textSecret("an ID token's signature", signature));

  // Issue, by whoever may, and repeat under an idempotency key.
  const thirdParty = randomBytes(32);
  told.secrets.push({ name: "a third party's private key", bytes: thirdParty });
  const body = {
    platform: "default",
    label: canaries.label,
    caveats: ["action in read, list"],
    third_party_caveats: [
      {
        location: "https://elsewhere.example",
        condition: "is-staff",
        public_key: Buffer.from(boxPublicKey(thirdParty)).toString("base64"),
      },
    ],
  };
  const root = await client.issue(alice, body, "the same request");
  const repeated = await client.issue(alice, body, "the same request");
  if (repeated.token !== root.token) throw new Error("a repeat answered another token");
  keep(root.token);
  const own = await client.issue({ token: bob.idToken }, { platform: "default" });
  const asserted = await client.issue(
    platform,
    { platform: "default", on_behalf_of: { subject: "carol" } },
    "by a platform",
  );
  for (const { token } of [own, asserted]) keep(token);
  await client.call("GET", "/v1/tokens", { as: { token: `${bob.idToken.slice(0, -8)}AAAAAAAA` } });

  // An administrator's work.
  await client.call("POST", "/v1/platforms", { as: administrator, body: { name: "shop" } });
  const policy = { rules: [{ max_ttl: 600, on_behalf_of: true }] };
  await client.call("PUT", "/v1/platforms/shop/policy", { as: administrator, body: policy });
  const shop = await client.call("POST", "/v1/platforms/shop/credentials", {
    as: administrator,
    body: { caveats: ["action in issue, verify"] },
  });
  const shopToken = keep(String(Reflect.get(Object(shop.body), "token")));
  keep(
    (await client.issue({ token: shopToken }, { platform: "shop", on_behalf_of: { subject: "dave" } })).token,
  );
  for (const name of ["default", "shop", "bakehouse"]) {
    await client.call("POST", "/v1/keys/rotate", { as: administrator, body: { platform: name } });
  }

  // Verify: with a discharge, narrowed, forged, malformed, foreign.
  const third = macaroonOf(root.token).unverifiedCaveats.find(
    ({ verificationId }) => verificationId !== undefined,
  );
  const opened = openTicket(third?.id ?? new Uint8Array(), thirdParty);
  if (!opened.ok) throw new Error(`the ticket does not open: ${opened.code}`);
  told.secrets.push({ name: "a caveat key", bytes: opened.ticket.caveatKey });
  const discharge = mint({ rootKey: opened.ticket.caveatKey, identifier: third?.id ?? "" });
  told.secrets.push({ name: "a discharge's signature", bytes: discharge.signature });
  const bundle = encodeBundle([macaroonOf(root.token), bind(macaroonOf(root.token), discharge)]);
  told.secrets.push(textSecret("a bundle", bundle));
  const verdict = await client.verify(platform, bundle, { action: "read" });
  if (!verdict.allowed) throw new Error(`the discharged token is refused: ${verdict.code}`);
  const chain: string[] = [];
  for (const agent of ["orchestrator", "researcher", "scraper"]) {
    chain.push(keep(hand(chain.at(-1) ?? own.token, agent, "action in read, list")));
  }
  const [orchestrator = "", researcher = "", scraper = ""] = chain;
  for (const token of [
    ...chain,
    own.token,
    asserted.token,
    root.token,
    shopToken,
    forged(own.token),
    `${own.token}A`,
    "x",
  ]) {
    await client.verify(platform, token, { action: "read" });
    await client.verify(platform, token, { action: "write" });
    await client.call("POST", "/v1/verify", { as: { token }, body: { token, context: {} } });
  }
  await misplace(client, platform, scraper, alice.session);

  // Revoke, by each kind of target; and read everything that can be listed.
  const revoked = await client.verify(platform, researcher, { action: "read" });
  if (!revoked.allowed) throw new Error("a narrowed token is refused");
  await client.revoke(undefined, { token: scraper }, canaries.label);
  await client.revoke({ token: bob.idToken }, { revocation_id: revoked.revocation_id });
  await client.revoke(administrator, { token_id: asserted.token_id });
  for (const token of [orchestrator, researcher, scraper, asserted.token])
    await client.verify(platform, token);
  for (const path of [
    "/v1/tokens",
    "/v1/revocations",
    "/v1/keys",
    "/v1/platforms",
    `/v1/tokens/${own.token_id}`,
    ...(await auditPaths(client, administrator)),
    `/v1/tokens/${own.token_id}/tree`,
    `/v1/links/${revoked.revocation_id}`,
  ]) {
    for (const as of [platform, administrator, alice, { token: bob.idToken }, undefined]) {
      const headers = { "x-request-id": canaries.request };
      await client.call("GET", path, { ...(as === undefined ? {} : { as }), headers });
    }
  }
  for (const accept of ["image/svg+xml", "text/plain"]) {
    await client.call("GET", `/v1/tokens/${own.token_id}/tree`, { as: platform, headers: { accept } });
  }
  await client.call("POST", "/v1/revocations", {
    as: platform,
    body: { targets: [{ token_id: own.token_id }], dry_run: true },
  });
  await client.call("POST", "/logout", { as: alice });
}
