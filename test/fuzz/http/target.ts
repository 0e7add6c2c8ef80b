import { randomBytes } from "node:crypto";

import { attenuate, decodeBundle, encode } from "../../../src/macaroon/index.ts";
import { logInFromCommandLine } from "../../secrets/people.ts";
import { createSearch, type Finding } from "../../secrets/search.ts";
import { builtBundle } from "../../support/process-bundle.ts";
import { createClient, signIn } from "../../support/process-client.ts";
import { credential, type Home, newEmbeddedHome, startService } from "../../support/process-service.ts";
import type { Known } from "./from-schema.ts";

/** Somebody who calls, by what their requests carry. */
export type Headers = Readonly<Record<string, string>>;

/** A service that is fuzzed, in a process of its own on the embedded database. */
export interface Target {
  readonly url: string;
  readonly port: number;
  /** Who may call, by name. */
  callers(): ReadonlyMap<string, Headers>;
  /** What exists on it, for members and parameters that take such a thing. */
  readonly known: Known;
  /** A text that stands only where a secret would: nothing may say it again. */
  readonly planted: string;
  /** Looks for every secret that it has, and for what was planted. */
  secretsIn(bytes: Uint8Array): readonly Finding[];
  /** Sees to it that every caller is still one: what they ask may end their own sessions. */
  refresh(): Promise<void>;
  /** Everything that it has written to its log. */
  log(): Uint8Array;
  stop(): Promise<void>;
}

/** Those bytes of a credential that have its power. */
const powerOf = (text: string) => Buffer.from(text, "base64url").subarray(-32);

function narrowed(token: string): string {
  const decoded = decodeBundle(token);
  if (!decoded.ok) throw new Error(`not a token: ${decoded.detail}`);
  return encode(attenuate(decoded.macaroons[0], ["action in read, verify", "platform = default"]));
}

const PERSON = { name: "fuzz", groups: "staff" };

async function logIn(url: string) {
  const session = await signIn(url, PERSON);
  const { idToken } = await logInFromCommandLine(url, PERSON.name);
  return { session, idToken };
}

/** Things that requests may name. */
async function makeThings(
  url: string,
  admin: { readonly token: string },
  platform: { readonly token: string },
) {
  const client = createClient(url);
  const made = async (path: string, body: object, as = admin) => {
    const answer = await client.call("POST", path, { as, body });
    if (answer.status > 202) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.body as Readonly<Record<string, string>>;
  };
  const rules = [{ max_ttl: 86_400, on_behalf_of: true }];
  await client.call("PUT", "/v1/platforms/default/policy", { as: admin, body: { rules } });
  await made("/v1/platforms", { name: "fuzz", policy: { rules } });
  await client.call("PATCH", "/v1/platforms/default", {
    as: admin,
    body: { resource_hosts: ["api.example"] },
  });
  const gate = { location: url, condition: "approved-by fuzz Pay 40 EUR" };
  const issue = (more: object = {}) =>
    made("/v1/tokens", { platform: "default", on_behalf_of: { subject: "alice" }, ...more }, platform);
  const tokens = [
    await issue(),
    await issue({ caveats: ["action in read, list", "uses <= 1000", "spend.EUR <= 100"] }),
    await issue({ caveats: ["rate <= 100/m"], third_party_caveats: [gate] }),
  ];
  const app = await made("/v1/clients", {
    client_name: "fuzz",
    redirect_uris: ["https://app.example/cb"],
    token_endpoint_auth_method: "client_secret_basic",
  });
  const resource = await made("/v1/platforms/default/resources", {
    resource: "https://api.example/mcp",
    name: "fuzz",
    scopes: [{ scope: "files:read", description: "Read your files" }],
    caveats: ["action in read, list"],
    max_ttl: 3600,
    accept_unbound: false,
  });
  const keys = await client.call("GET", "/v1/keys?platform=default", { as: admin });
  return {
    tokens,
    app,
    resource,
    keys: (keys.body as { readonly items: readonly { key_id: string }[] }).items,
  };
}

/** Starts a service and makes what requests may name. */
export async function startTarget(): Promise<Target> {
  const home: Home = await newEmbeddedHome();
  const settings = { TRUSTED_PROXIES: "127.0.0.0/8", LOG_REQUESTS: "all", AUDIT_DECISIONS: "all" };
  const service = await startService(builtBundle(), home, settings);
  const { url, port } = service;
  async function stop(): Promise<void> {
    await service.end("SIGTERM");
    home.remove();
  }
  const admin = { token: credential(home, "admin.token") };
  const platform = { token: credential(home, "default.token") };
  const making = Promise.all([logIn(url), makeThings(url, admin, platform)]);
  let [{ session, idToken }, { tokens, app, resource, keys }] = await making.catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const planted = randomBytes(32).toString("base64url");

  const texts = tokens.map(({ token = "" }) => token);
  const ids = tokens.map(({ token_id: id = "" }) => id);
  const links = tokens.map(({ revocation_id: id = "" }) => id);
  const clients = [app["client_id"], app["id"]].filter((id) => id !== undefined);
  const secrets = [
    home.env["MASTER_KEY"] ?? "",
    admin.token,
    platform.token,
    narrowed(platform.token),
    idToken,
    session,
    planted,
    ...texts,
    ...(app["client_secret"] === undefined ? [] : [app["client_secret"]]),
  ];
  const search = createSearch(
    secrets.map((text, at) => ({ name: `secret ${at + 1}`, bytes: powerOf(text) })),
  );
  const known = new Map<string, readonly unknown[]>([
    ["platform", ["default", "fuzz"]],
    ["name", ["default", "fuzz"]],
    ["token", [...texts, planted]],
    ["credential", [planted]],
    ["secret", [planted]],
    ["client_secret", [planted, app["client_secret"] ?? planted]],
    ["password", [planted]],
    ["code_verifier", [planted]],
    ["refresh_token", [planted]],
    ["id_token_hint", [planted]],
    ["token_id", ids],
    ["id", [...ids, ...links, ...clients, resource["id"] ?? "x"]],
    ["client_id", clients],
    ["client", clients],
    ["key_id", keys.map(({ key_id: id }) => id)],
    ["revocation_id", links],
    ["caveat_id", [planted]],
    ["subject", ["alice", "fuzz"]],
    ["resource", ["https://api.example/mcp"]],
    ["redirect_uri", ["https://app.example/cb"]],
    ["wait", [0, 1]],
    ["context", [{ action: "read" }, { action: "list", args: { amount: 40 } }]],
    ["cost", [{ EUR: "1" }, { EUR: 2 }]],
    ["caveats", [["action in read"], ["time < 2030-01-01T00:00:00Z", "agent = fuzz#1"]]],
    ["level", ["0", "1", "data"]],
    ["first", ["000", "000.p", "x000"]],
  ]);
  const client = createClient(url);

  return {
    url,
    port,
    known,
    planted,
    callers: () =>
      new Map<string, Headers>([
        ["nobody", {}],
        ["a platform", { authorization: `Bearer ${platform.token}` }],
        ["an administrator", { authorization: `Bearer ${admin.token}` }],
        ["a person's session", { cookie: `bakehouse=${session}`, origin: url }],
        ["a person", { authorization: `Bearer ${idToken}` }],
        ["a narrowed credential", { authorization: `Bearer ${narrowed(platform.token)}` }],
        ["a token that is no credential", { authorization: `Bearer ${texts[0]}` }],
        ["somebody with nonsense", { authorization: `Bearer ${planted}` }],
      ]),
    secretsIn: (bytes) => search.in(bytes),
    async refresh() {
      const { status } = await client.call("GET", "/v1/sessions", { as: { session } });
      const { status: other } = await client.call("GET", "/v1/tokens", { as: { token: idToken } });
      if (status === 401 || other === 401) ({ session, idToken } = await logIn(url));
    },
    log: () => service.output(),
    stop,
  };
}
