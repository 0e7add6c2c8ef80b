import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** The places at which an issuer answers. */
export type IssuerEndpoint = "discovery" | "keys" | "authorize" | "token" | "userinfo" | "end_session";

/** An answer of the issuer, before it is sent. */
export interface IssuerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Makes another answer out of the usual one; undefined cuts the connection. */
type Replacement = (usual: IssuerAnswer, asked: URL) => IssuerAnswer | undefined;

/** What can go wrong with an issuer. Set and unset while it runs. */
export interface IssuerFaults {
  /** Answers in place of the usual ones, by their place. */
  replace?: Partial<Record<IssuerEndpoint, Replacement>>;
  /** Connections are cut without an answer. */
  down?: boolean;
  /** Every answer comes this much later, milliseconds. */
  slowMs?: number;
  /** Every answer has this status. */
  status?: number;
  /** Every answer is this text. */
  body?: string;
  /** The configuration document names this issuer. */
  discoveryIssuer?: string;
  /** Members that the configuration document has instead of its own; undefined leaves one out. */
  metadata?: Record<string, unknown>;
  /** The key set, instead of the issuer's own. */
  jwks?: unknown;
  /** The human refuses: the callback carries this error. */
  authorizationError?: string;
  /** The callback lacks `iss` or carries this one (RFC 9207). */
  callbackIssuer?: string | null;
  /** The token endpoint answers with this error. */
  tokenError?: string;
  /** The ID token of the token endpoint, made by the test. */
  idToken?: (claims: Record<string, unknown>) => string | Promise<string>;
  /** Claims of the ID token, over the usual ones; undefined leaves one out. */
  claims?: Record<string, unknown>;
  /** What the UserInfo endpoint says; there is no such endpoint without. */
  userInfo?: Record<string, unknown>;
  /** There is an end of sessions (OpenID Connect RP-Initiated Logout). */
  logout?: boolean;
}

/** How a token departs from the usual. */
interface TokenOverrides {
  /** Header members over the usual ones; undefined leaves one out. */
  readonly header?: Record<string, unknown>;
  /** Signs with this key. */
  readonly key?: CryptoKey | Uint8Array;
}

/** A small OpenID Connect issuer on 127.0.0.1 that does as it is told. */
export interface FakeIssuer {
  /** The address at which it listens. */
  readonly url: string;
  /** What it calls itself. */
  readonly issuer: string;
  readonly clientId: string;
  readonly faults: IssuerFaults;
  /** Paths that were asked for, oldest first. */
  readonly requests: string[];
  /** The parameters of the last authorization request. */
  lastAuthorization(): URLSearchParams | undefined;
  /** The body of the last token request, and its Authorization header. */
  lastTokenRequest():
    | { readonly form: URLSearchParams; readonly authorization: string | undefined }
    | undefined;
  /** The parameters of the last request to end a session. */
  lastLogout(): URLSearchParams | undefined;
  /** An ID token: usual claims for "alice", with the given ones over them; undefined leaves one out. */
  signIdToken(claims?: Record<string, unknown>, overrides?: TokenOverrides): Promise<string>;
  /** The usual claims. */
  claims(): Record<string, unknown>;
  /** The current signing key, public. */
  publicKey(): Promise<JWK>;
  /** Signs with a new key from now on. The old one leaves the key set unless it is kept. */
  rotateKeys(options?: { readonly keep?: boolean }): Promise<void>;
  /** Stops it; {@link reopen} starts it again on the same port. */
  close(): Promise<void>;
  reopen(): Promise<void>;
}

interface SigningPair {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** Options of {@link startFakeIssuer}. */
export interface FakeIssuerOptions {
  readonly clientId?: string;
  readonly algorithm?: string;
  /** Wall-clock time for the usual claims, unix milliseconds. */
  readonly now?: () => number;
  /** The issuer's path; none unless said. */
  readonly path?: string;
  /** Paths of endpoints, in place of the usual ones. */
  readonly paths?: Partial<Record<Exclude<IssuerEndpoint, "discovery">, string>>;
  /** It then speaks https, and calls itself `localhost` unless said otherwise. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The origin that it calls itself by, in place of the one at which it listens. */
  readonly publicOrigin?: string;
}

const PATHS = {
  keys: "/jwks",
  authorize: "/authorize",
  token: "/token",
  userinfo: "/userinfo",
  end_session: "/logout",
} as const;

/** Starts one. All its endpoints work; PKCE is checked. */
export async function startFakeIssuer(options: FakeIssuerOptions = {}): Promise<FakeIssuer> {
  const { clientId = "bakehouse", algorithm = "ES256", now = Date.now, path = "", tls } = options;
  const paths: Readonly<Record<string, string>> = {
    discovery: `${path}/.well-known/openid-configuration`,
    ...PATHS,
    ...options.paths,
  };
  const faults: IssuerFaults = {};
  const requests: string[] = [];
  const codes = new Map<string, URLSearchParams>();
  let lastAuthorization: URLSearchParams | undefined;
  let lastTokenRequest: { form: URLSearchParams; authorization: string | undefined } | undefined;
  let current = await makePair(algorithm);
  let published = [current];
  let origin = "";
  let issuer = "";
  let lastLogout: URLSearchParams | undefined;
  const at = (endpoint: IssuerEndpoint) => `${origin}${paths[endpoint] ?? ""}`;

  function claims(): Record<string, unknown> {
    const seconds = Math.floor(now() / 1_000);
    return {
      iss: issuer,
      sub: "alice",
      aud: clientId,
      iat: seconds,
      exp: seconds + 3_600,
      auth_time: seconds - 30,
      name: "Alice",
      email: "alice@example.com",
      email_verified: true,
      groups: ["staff"],
    };
  }

  async function signIdToken(
    over: Record<string, unknown> = {},
    overrides: TokenOverrides = {},
  ): Promise<string> {
    const header = without({ alg: algorithm, kid: current.kid, typ: "JWT", ...overrides.header });
    return await new SignJWT(without({ ...claims(), ...over }))
      .setProtectedHeader({ ...header, alg: String(header["alg"]) })
      .sign(overrides.key ?? current.privateKey);
  }

  function configuration(): unknown {
    return without({
      issuer: faults.discoveryIssuer ?? issuer,
      jwks_uri: at("keys"),
      authorization_endpoint: at("authorize"),
      token_endpoint: at("token"),
      userinfo_endpoint: faults.userInfo === undefined ? undefined : at("userinfo"),
      end_session_endpoint: faults.logout === true ? at("end_session") : undefined,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [algorithm],
      scopes_supported: ["openid", "profile", "email", "groups"],
      authorization_response_iss_parameter_supported: true,
      ...faults.metadata,
    });
  }

  function authorize(query: URLSearchParams): IssuerAnswer {
    lastAuthorization = query;
    const back = new URL(query.get("redirect_uri") ?? "about:blank");
    if (faults.authorizationError === undefined) {
      const code = randomBytes(16).toString("hex");
      codes.set(code, query);
      back.searchParams.set("code", code);
    } else {
      back.searchParams.set("error", faults.authorizationError);
    }
    back.searchParams.set("state", query.get("state") ?? "");
    if (faults.callbackIssuer !== null) back.searchParams.set("iss", faults.callbackIssuer ?? issuer);
    return { status: 303, headers: { location: back.href }, body: "" };
  }

  function endSession(query: URLSearchParams): IssuerAnswer {
    lastLogout = query;
    const back = query.get("post_logout_redirect_uri");
    if (back === null) return { status: 200, headers: { "content-type": "text/html" }, body: "<p>bye</p>" };
    return { status: 303, headers: { location: back }, body: "" };
  }

  async function token(request: IncomingMessage): Promise<IssuerAnswer> {
    const form = new URLSearchParams(await text(request));
    lastTokenRequest = { form, authorization: request.headers.authorization };
    const code = form.get("code") ?? "";
    const begun = codes.get(code);
    codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const good =
      begun !== undefined &&
      begun.get("code_challenge_method") === "S256" &&
      begun.get("code_challenge") === challenge &&
      begun.get("redirect_uri") === form.get("redirect_uri");
    const error = faults.tokenError ?? (good ? undefined : "invalid_grant");
    if (error !== undefined) return json(error === "invalid_client" ? 401 : 400, { error });
    const said = without({ ...claims(), nonce: begun?.get("nonce"), ...faults.claims });
    const idToken = await (faults.idToken?.(said) ?? signIdToken({ ...missing(said), ...said }));
    return json(200, { access_token: "access", token_type: "Bearer", expires_in: 60, id_token: idToken });
  }

  /** Usual claims that a set of claims leaves out, as undefined. */
  function missing(said: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
      Object.keys(claims())
        .filter((claim) => !(claim in said))
        .map((claim) => [claim, undefined]),
    );
  }

  async function usual(
    endpoint: string | undefined,
    asked: URL,
    request: IncomingMessage,
  ): Promise<IssuerAnswer> {
    if (faults.status !== undefined) return json(faults.status, {});
    if (faults.body !== undefined) return { status: 200, headers: {}, body: faults.body };
    switch (endpoint) {
      case "discovery":
        return json(200, configuration());
      case "keys":
        return json(200, faults.jwks ?? { keys: await Promise.all(published.map(publicJwk)) });
      case "authorize":
        return authorize(asked.searchParams);
      case "token":
        return await token(request);
      case "userinfo":
        return json(200, { sub: claims()["sub"], ...faults.userInfo });
      case "end_session":
        return endSession(asked.searchParams);
      default:
        return json(404, {});
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? "/", origin);
    requests.push(asked.pathname);
    if (faults.slowMs !== undefined) await new Promise((resolve) => setTimeout(resolve, faults.slowMs));
    const endpoint = Object.keys(paths).find((name) => paths[name] === asked.pathname);
    const given = await usual(endpoint, asked, request);
    const replace = faults.replace?.[endpoint as IssuerEndpoint];
    const sent = replace === undefined ? given : replace(given, asked);
    if (faults.down === true || sent === undefined) return void request.socket.destroy();
    response.writeHead(sent.status, sent.headers).end(sent.body);
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const listening = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  origin = options.publicOrigin ?? (tls === undefined ? listening : `https://localhost:${port}`);
  issuer = `${origin}${path}`;

  return {
    url: listening,
    issuer,
    clientId,
    faults,
    requests,
    lastAuthorization: () => lastAuthorization,
    lastTokenRequest: () => lastTokenRequest,
    lastLogout: () => lastLogout,
    signIdToken,
    claims,
    publicKey: () => publicJwk(current),
    async rotateKeys({ keep = false } = {}) {
      current = await makePair(algorithm);
      published = keep ? [...published, current] : [current];
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    reopen: () => listen(port),
  };

  async function publicJwk(pair: SigningPair): Promise<JWK> {
    return { ...(await exportJWK(pair.publicKey)), kid: pair.kid, alg: algorithm, use: "sig" };
  }
}

async function makePair(algorithm: string): Promise<SigningPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid: randomBytes(6).toString("hex"), privateKey, publicKey };
}

function without(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function json(status: number, body: unknown): IssuerAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
