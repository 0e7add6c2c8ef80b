/** The pure parts of the authorization server: each table names texts that pass, and texts near them that do not. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";

import { readClientDocument, readClientSettings } from "../../src/domain/oauth/client.ts";
import { readAssertion } from "../../src/domain/oauth/client-assertion.ts";
import { clientUrl } from "../../src/domain/oauth/client-url.ts";
import { freshness } from "../../src/domain/oauth/documents.ts";
import { isChallenge, meetsChallenge } from "../../src/domain/oauth/pkce.ts";
import { answerAt, mayRedirect, redirectHost, redirectKind } from "../../src/domain/oauth/redirect-uri.ts";
import { readScope } from "../../src/domain/oauth/scope.ts";
import { isPublicAddress } from "../../src/domain/parts/public-address.ts";

describe("PKCE", () => {
  // RFC 7636 appendix B.
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

  test("the RFC's own pair", () => {
    expect(isChallenge(challenge)).toBe(true);
    expect(meetsChallenge(verifier, challenge)).toBe(true);
  });

  const ofText = (text: string) => createHash("sha256").update(text).digest("base64url");

  test.each([
    { why: "another verifier", verifier: `${verifier.slice(0, -1)}l`, challenge },
    { why: "the challenge as its own verifier, as `plain` would have it", verifier: challenge, challenge },
    { why: "a verifier too short", verifier: "a".repeat(42), challenge: ofText("a".repeat(42)) },
    { why: "a verifier too long", verifier: "a".repeat(129), challenge: ofText("a".repeat(129)) },
    {
      why: "a verifier with a space",
      verifier: `${"a".repeat(43)} `,
      challenge: ofText(`${"a".repeat(43)} `),
    },
    { why: "an empty verifier", verifier: "", challenge: ofText("") },
  ])("$why does not meet it", (one) => expect(meetsChallenge(one.verifier, one.challenge)).toBe(false));

  test.each([
    "",
    challenge.slice(1),
    `${challenge}=`,
    `${challenge.slice(0, -1)}N`,
    challenge.replace("-", "+"),
  ])("%j is no challenge", (text) => expect(isChallenge(text)).toBe(false));
});

test.each([
  { text: "", scopes: [] },
  { text: "files:read", scopes: ["files:read"] },
  { text: "a b a", scopes: ["a", "b"] },
  { text: " a", scopes: undefined },
  { text: "a  b", scopes: undefined },
  { text: "a\tb", scopes: undefined },
  { text: 'a"', scopes: undefined },
  { text: "a\\", scopes: undefined },
  { text: "ä", scopes: undefined },
  { text: Array.from({ length: 101 }, (_, n) => `s${n}`).join(" "), scopes: undefined },
])("scope $text", ({ text, scopes }) => expect(readScope(text)).toEqual(scopes));

describe("redirect URIs", () => {
  test.each([
    ["https://app.example/cb", "web"],
    ["https://app.example", "web"],
    ["https://app.example?tenant=1", "web"],
    ["https://app.example:8443/cb?tenant=1", "web"],
    ["https://203.0.114.7/cb", "web"],
    ["https://localhost/cb", "loopback"],
    ["https://app.localhost/cb", "loopback"],
    ["https://localhost./cb", "loopback"],
    ["https://127.0.0.1:8443/cb", "loopback"],
    ["https://[::1]/cb", "loopback"],
    ["http://127.0.0.1/cb", "loopback"],
    ["http://127.0.0.1:5000", "loopback"],
    ["http://[::1]:5000/cb", "loopback"],
    ["http://localhost:5000/cb", "loopback"],
    ["com.example.app:/cb", "app"],
    ["com.example.app://cb", "app"],
  ])("%s is of kind %s", (uri, kind) => expect(redirectKind(uri)).toBe(kind));

  test.each([
    "",
    "app.example/cb",
    "//app.example/cb",
    "http://app.example/cb",
    "http://127.0.0.2/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://localhost.evil.example/cb",
    "http://localhost@evil.example/cb",
    "https://user@app.example/cb",
    "https://@app.example/cb",
    "https://:@app.example/cb",
    "https://app.example/cb#",
    "https://app.example/cb#x",
    "https://app.example\\@evil.example/cb",
    "https:app.example/cb",
    "https:/app.example/cb",
    "https://APP.example/cb",
    "HTTPS://app.example/cb",
    "https://app.example:443/cb",
    "https://app.example/a/../cb",
    "https://app.example/%2e%2e/cb",
    "https://app.example/c b",
    "https://app.example/\tcb",
    "https://äpp.example/cb",
    "https://10.0.0.1/cb",
    "https://[fd00::1]/cb",
    "https://app.example/cb?code=1",
    "https://app.example/cb?iss=x",
    "https://app.example/cb?st%61te=x",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "myapp:/cb",
    "blob:https://app.example/x",
    `https://app.example/${"a".repeat(1_000)}`,
  ])("%j is none", (uri) => expect(redirectKind(uri)).toBeUndefined());

  const registered = [
    "https://app.example/cb",
    "http://127.0.0.1/cb",
    "http://localhost:3000/done?a=1",
    "com.example.app:/cb",
  ];

  test.each([
    ...registered,
    "http://127.0.0.1:1/cb",
    "http://127.0.0.1:65535/cb",
    "http://localhost:41000/done?a=1",
    "http://localhost/done?a=1",
  ])("%s is met", (asked) => expect(mayRedirect(registered, asked)).toBe(true));

  test.each([
    "https://app.example/CB",
    "https://app.example/cb/",
    "https://app.example/cb?x=1",
    "https://app.example:444/cb",
    "https://app.example/cb%20",
    "https://app.example/%63b",
    "https://app.example/c",
    "https://app.example/",
    "https://APP.example/cb",
    "https://app.example.evil.example/cb",
    "https://evil.example/cb",
    "https://user@app.example/cb",
    "https://app.example/cb#x",
    "http://app.example/cb",
    "https://127.0.0.1/cb",
    "http://127.0.0.1:5000/cb/",
    "http://127.0.0.1:5000/CB",
    "http://127.0.0.1:5000/",
    "http://[::1]:5000/cb",
    "http://localhost:5000/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:05000/cb",
    "http://127.0.0.1:/cb",
    "http://localhost:3000/done",
    "http://localhost:3000/done?a=2",
    "com.example.app:/cb2",
    "com.example.app://cb",
    "com.example.evil:/cb",
  ])("%s is not", (asked) => expect(mayRedirect(registered, asked)).toBe(false));

  test.each([
    ["https://app.example/cb", "https://app.example/cb?code=c+d&iss=i"],
    ["https://app.example/cb?a=1", "https://app.example/cb?a=1&code=c+d&iss=i"],
    ["https://app.example/cb?", "https://app.example/cb?code=c+d&iss=i"],
    ["com.example.app:/cb", "com.example.app:/cb?code=c+d&iss=i"],
  ])("an answer at %s", (uri, answered) => expect(answerAt(uri, { code: "c d", iss: "i" })).toBe(answered));

  test.each([
    ["https://app.example/cb", "app.example"],
    ["http://127.0.0.1:5000/cb", "127.0.0.1:5000"],
    ["com.example.app:/cb", "com.example.app:"],
  ])("%s goes to %s", (uri, host) => expect(redirectHost(uri)).toBe(host));
});

describe("client ids that are addresses", () => {
  test.each(["https://app.example/client.json", "https://app.example:8443/c?v=1", "https://app.example/a/"])(
    "%s",
    (id) => expect(clientUrl(id)?.href).toBe(id),
  );

  test.each([
    "",
    "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
    "https://app.example",
    "https://app.example/",
    "http://app.example/c",
    "http://127.0.0.1/c",
    "https://user@app.example/c",
    "https://user:pw@app.example/c",
    "https://app.example/c#x",
    "https://app.example/./c",
    "https://app.example/a/../c",
    "https://app.example/a/%2e%2e/c",
    "https://app.example/a\\c",
    "https://APP.example/c",
    "https://app.example:443/c",
    "https://app.example/c d",
    "https://0x7f.1/c",
    "https://2130706433/c",
    "ftp://app.example/c",
    `https://app.example/${"a".repeat(512)}`,
  ])("%j is none", (id) => expect(clientUrl(id)).toBeUndefined());

  test("on this very machine where that is allowed", () => {
    for (const id of ["http://127.0.0.1:5000/c", "http://localhost:5000/c", "http://[::1]/c"]) {
      expect(clientUrl(id, true)?.href).toBe(id);
    }
    expect(clientUrl("http://app.example/c", true)).toBeUndefined();
    expect(clientUrl("http://127.0.0.2/c", true)).toBeUndefined();
  });
});

describe("addresses of the public internet", () => {
  test.each(["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "::ffff:8.8.8.8"])(
    "%s",
    (ip) => expect(isPublicAddress(ip)).toBe(true),
  );

  test.each([
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "168.63.129.16",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "0:0:0:0:0:ffff:a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "4000::1",
    "",
    "app.example",
    "127.1",
    "0x7f.0.0.1",
  ])("%s is none", (ip) => expect(isPublicAddress(ip)).toBe(false));
});

describe("metadata documents", () => {
  const id = "https://app.example/client.json";
  const good = { client_id: id, client_name: "App", redirect_uris: ["https://app.example/cb"] };
  const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  const read = (document: unknown) => {
    const text = typeof document === "string" ? document : JSON.stringify(document);
    return readClientDocument(id, new TextEncoder().encode(text));
  };

  test("what is needed, and what goes with it", () => {
    expect(read(good)).toEqual({
      ok: true,
      settings: { name: "App", redirectUris: good.redirect_uris, authMethod: "none", jwks: null },
    });
    const more = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key] } };
    expect(read({ ...good, ...more, logo_uri: "https://x", grant_types: ["authorization_code"] }).ok).toBe(
      true,
    );
  });

  test.each([
    { member: "", document: "{" },
    { member: "", document: '{"client_id":1,"client_id":2}' },
    { member: "", document: "[]" },
    { member: "client_id", document: { ...good, client_id: `${id}?` } },
    { member: "client_id", document: { ...good, client_id: "https://other.example/client.json" } },
    { member: "client_id", document: { ...good, client_id: undefined } },
    { member: "client_name", document: { ...good, client_name: undefined } },
    { member: "client_name", document: { ...good, client_name: " " } },
    { member: "client_name", document: { ...good, client_name: "App\u202egro.elgoog" } },
    { member: "client_name", document: { ...good, client_name: "a".repeat(101) } },
    { member: "redirect_uris", document: { ...good, redirect_uris: [] } },
    { member: "redirect_uris", document: { ...good, redirect_uris: "https://app.example/cb" } },
    { member: "redirect_uris[0]", document: { ...good, redirect_uris: ["http://app.example/cb"] } },
    { member: "client_secret", document: { ...good, client_secret: "s" } },
    { member: "jwks_uri", document: { ...good, jwks_uri: "https://app.example/jwks" } },
    {
      member: "token_endpoint_auth_method",
      document: { ...good, token_endpoint_auth_method: "client_secret_basic" },
    },
    { member: "jwks", document: { ...good, token_endpoint_auth_method: "private_key_jwt" } },
    { member: "jwks", document: { ...good, jwks: { keys: [key] } } },
    {
      member: "jwks",
      document: {
        ...good,
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ kty: "oct", k: "s" }] },
      },
    },
    {
      member: "jwks",
      document: {
        ...good,
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ ...key, d: "x" }] },
      },
    },
    { member: "grant_types", document: { ...good, grant_types: ["implicit"] } },
    { member: "response_types", document: { ...good, response_types: ["token"] } },
  ])("$member: $document", ({ member, document }) =>
    expect(read(document)).toMatchObject({ ok: false, member }),
  );

  test("a registered client needs a method by name", () => {
    const given = { name: "App", redirectUris: ["https://app.example/cb"], jwks: undefined };
    expect(readClientSettings({ ...given, authMethod: undefined }).ok).toBe(false);
    expect(readClientSettings({ ...given, authMethod: "client_secret_jwt" }).ok).toBe(false);
    expect(readClientSettings({ ...given, authMethod: "client_secret_post" }).ok).toBe(true);
  });

  test.each([
    { header: "", age: 0, seconds: 300 },
    { header: "max-age=3600", age: 0, seconds: 3600 },
    { header: "public, max-age=3600", age: 600, seconds: 3000 },
    { header: "MAX-AGE=1", age: 0, seconds: 300 },
    { header: "max-age=99999999", age: 0, seconds: 86_400 },
    { header: "no-store, max-age=3600", age: 0, seconds: 300 },
    { header: "max-age=-1", age: 0, seconds: 300 },
  ])("Cache-Control: $header, $age seconds old", ({ header, age, seconds }) =>
    expect(freshness(header, age)).toBe(seconds),
  );
});

describe("claims of a client's assertion", () => {
  const now = Date.UTC(2026, 10, 22);
  const seconds = now / 1000;
  const issuer = "https://bakehouse.example";
  const good = { iss: "c", sub: "c", aud: issuer, exp: seconds + 60, iat: seconds, jti: "1" };

  test("stand", () => {
    expect(readAssertion(good, "c", issuer, now)).toEqual({ ok: true, jti: "1", until: now + 120_000 });
    expect(readAssertion({ ...good, iat: undefined }, "c", issuer, now).ok).toBe(true);
    expect(readAssertion({ ...good, aud: [issuer] }, "c", issuer, now).ok).toBe(true);
  });

  test.each([
    { iss: "d" },
    { sub: "d" },
    { sub: undefined },
    { aud: undefined },
    { aud: `${issuer}/` },
    { aud: `${issuer}/oauth/token` },
    { aud: [issuer, "https://other.example"] },
    { aud: [] },
    { exp: undefined },
    { exp: seconds - 60 },
    { exp: seconds + 661 },
    { exp: `${seconds + 60}` },
    { nbf: seconds + 61 },
    { iat: seconds + 61 },
    { iat: null },
    { jti: undefined },
    { jti: "" },
    { jti: 1 },
  ])("%j do not", (wrong) => expect(readAssertion({ ...good, ...wrong }, "c", issuer, now).ok).toBe(false));
});
