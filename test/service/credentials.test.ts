import { beforeAll, describe, expect, test } from "vitest";

import { type Answer, bearer, describeService, type Issued, type Problem } from "../support/service.ts";
import { createThirdParty, forged, narrow } from "../support/service-macaroons.ts";

const DAY = 86_400_000;

describeService("credentials of the API", (service) => {
  let platformToken: string;
  let token: string;

  beforeAll(async () => {
    platformToken = service().asPlatform()["authorization"]?.slice("Bearer ".length) ?? "";
    token = (await service().issue()).token;
  });

  type Call = (credential: string, peer?: string) => Promise<Answer>;
  const headers = (credential: string, peer = "192.0.2.7") => ({
    ...bearer(credential),
    "x-test-peer": peer,
  });
  const CALLS: Readonly<Record<string, Call>> = {
    verify: (credential, peer) =>
      service().send("POST", "/v1/verify", { token, context: {} }, headers(credential, peer)),
    batch: (credential, peer) =>
      service().send("POST", "/v1/verify/batch", { requests: [] }, headers(credential, peer)),
    issue: (credential, peer) =>
      service().send(
        "POST",
        "/v1/tokens",
        { platform: "default", on_behalf_of: { subject: "alice" } },
        headers(credential, peer),
      ),
    revoke: (credential, peer) =>
      service().send(
        "POST",
        "/v1/revocations",
        { targets: [{ revocation_id: "AAAAAAAAAAAAAAAAAAAAAA" }] },
        headers(credential, peer),
      ),
    list: (credential, peer) => service().get("/v1/tokens", headers(credential, peer)),
    log: (credential, peer) => service().get("/v1/revocations", headers(credential, peer)),
    keys: (credential, peer) => service().get("/v1/keys", headers(credential, peer)),
    platforms: (credential, peer) => service().get("/v1/platforms", headers(credential, peer)),
    policy: (credential, peer) => service().get("/v1/platforms/default/policy", headers(credential, peer)),
    credential: (credential, peer) =>
      service().send("POST", "/v1/platforms/default/credentials", {}, headers(credential, peer)),
  };
  const PLATFORMS = ["verify", "batch", "issue", "revoke", "list", "log", "keys"];
  const ADMINISTRATORS = ["revoke", "list", "log", "keys", "platforms", "policy", "credential"];

  /** Which of all calls a credential is good for. Everything else must be 403. */
  async function goodFor(credential: string): Promise<readonly string[]> {
    const good: string[] = [];
    for (const [name, call] of Object.entries(CALLS)) {
      const { status, text } = await call(credential);
      if (status < 300) good.push(name);
      else expect(status, `${name}: ${text}`).toBe(403);
    }
    return good;
  }

  test("a platform's credential is good for its platform's calls, an administrator's for theirs", async () => {
    expect(await goodFor(platformToken)).toEqual(PLATFORMS);
    expect(await goodFor(service().adminToken)).toEqual(ADMINISTRATORS);
  });

  test.each([
    { caveat: "action in verify", good: ["verify", "batch"] },
    { caveat: "action = read", good: ["list", "log"] },
    { caveat: "action != verify", good: ["issue", "revoke", "list", "log", "keys"] },
    { caveat: "action in issue, revoke", good: ["issue", "revoke"] },
    { caveat: "platform = default", good: PLATFORMS },
    { caveat: "platform = other", good: [] },
    { caveat: "method = GET", good: ["list", "log", "keys"] },
    { caveat: "path = /v1/verify", good: ["verify"] },
    { caveat: "path matches /v1/verify/**", good: ["batch"] },
    { caveat: "ip within 192.0.2.0/24", good: PLATFORMS },
    { caveat: "ip within 198.51.100.0/24", good: [] },
    { caveat: "time < 2100-01-01T00:00:00Z", good: PLATFORMS },
    { caveat: "time > 2100-01-01T00:00:00Z", good: [] },
    { caveat: "agent = gateway", good: PLATFORMS },
    { caveat: "nonsense", good: [] },
    { caveat: "uses <= 5", good: [] },
    // Each question of a batch names its own resource, and this batch has none.
    { caveat: "resource = x", good: ["batch"] },
    { caveat: "principal = alice", good: [] },
    { caveat: "subject = administrator", good: [] },
    { caveat: "role = administrator", good: [] },
  ])("a platform's credential with `$caveat` is good for $good", async ({ caveat, good }) => {
    expect(await goodFor(narrow(platformToken, caveat))).toEqual(good);
  });

  test.each([
    { caveat: "action in platforms", good: ["platforms", "credential"] },
    { caveat: "action = policy", good: ["policy"] },
    { caveat: "platform = default", good: ["policy", "credential"] },
    { caveat: "platform = other", good: [] },
    { caveat: "method = GET", good: ["list", "log", "keys", "platforms", "policy"] },
  ])("an administrator's credential with `$caveat` is good for $good", async ({ caveat, good }) => {
    expect(await goodFor(narrow(service().adminToken, caveat))).toEqual(good);
  });

  test.each([
    "agent = administrator",
    "principal = administrator",
    "subject = administrator",
    "groups = admins",
    "platform != default",
    "ancestor = AAAAAAAAAAAAAAAAAAAAAA",
  ])("what a holder appends never makes them anybody else: %s", async (caveat) => {
    const good = await goodFor(narrow(platformToken, caveat));
    expect(PLATFORMS).toEqual(expect.arrayContaining([...good]));
  });

  test("caveats add up, and no order of them gives anything back", async () => {
    expect(await goodFor(narrow(platformToken, "action in verify", "action in verify, revoke"))).toEqual([
      "verify",
      "batch",
    ]);
    expect(await goodFor(narrow(platformToken, "action in verify", "action in revoke"))).toEqual([]);
  });

  test("a caveat on the address holds for the peer that calls", async () => {
    const narrowed = narrow(platformToken, "ip within 10.0.0.0/8, 2001:db8::/32");
    const statusFrom = async (peer: string) => (await CALLS["list"]?.(narrowed, peer))?.status;
    expect(await statusFrom("10.1.2.3")).toBe(200);
    expect(await statusFrom("2001:db8::7")).toBe(200);
    expect(await statusFrom("11.1.2.3")).toBe(403);
  });

  test("the refusal says which caveat, and nothing of the credential", async () => {
    const narrowed = narrow(platformToken, "action in verify");
    const answer = await CALLS["revoke"]?.(narrowed);
    expect(answer?.json<Problem>()).toMatchObject({
      status: 403,
      code: "forbidden",
      detail: 'the credential does not allow this: action is "revoke", the token allows only verify',
    });
    expect(answer?.text).not.toContain(narrowed.slice(-40));
  });

  describe("no credential of this API", () => {
    test.each([
      { what: "garbage", make: () => "AAAA" },
      { what: "one character", make: () => "A" },
      { what: "an altered credential", make: () => forged(platformToken) },
      { what: "an expired credential", make: () => narrow(platformToken, "time < 2020-01-01T00:00:00Z") },
      { what: "a platform's token", make: () => token },
      { what: "a credential cut short", make: () => platformToken.slice(0, -8) },
      { what: "an ID token of nobody's", make: () => "a.b.c" },
    ])("$what: 401 everywhere", async ({ make }) => {
      for (const call of Object.values(CALLS)) {
        const answer = await call(make());
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toBe(
          'Bearer error="invalid_token", resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
        );
      }
    });

    test("a third-party caveat that nobody discharges allows nothing", async () => {
      const third = createThirdParty();
      expect(await goodFor(third.require(platformToken, "is-member-of staff"))).toEqual([]);
    });
  });

  describe("issued by an administrator", () => {
    const create = (body: object, name = "default") =>
      service().send("POST", `/v1/platforms/${name}/credentials`, body, service().asAdmin());

    test("with caveats from the start, a label, and a life of its own", async () => {
      const answer = await create({ ttl: 3600, caveats: ["action in verify"], label: "the gateway" });
      const issued = answer.json<Issued>();
      expect(issued).toMatchObject({
        platform: "bakehouse",
        caveats: [expect.stringMatching(/^time < /), "action in verify"],
        principal: { issuer: "bakehouse", subject: "platform:default" },
      });
      expect(Date.parse(issued.expires_at) - Date.parse(issued.issued_at)).toBe(3_600_000);
      expect(await goodFor(issued.token)).toEqual(["verify", "batch"]);
    });

    test("for 90 days unless said, and never for longer", async () => {
      const issued = (await create({})).json<Issued>();
      expect(Date.parse(issued.expires_at) - Date.parse(issued.issued_at)).toBe(90 * DAY);
      const longer = await create({ ttl: 90 * 86_400 + 1 });
      expect(longer.json<Problem>()).toMatchObject({ status: 422, code: "ttl_too_long", member: "ttl" });
    });

    test.each(["nowhere", "bakehouse"])("for a platform that is not there: %s", async (name) => {
      expect((await create({}, name)).status).toBe(404);
    });

    test("with a caveat that never clears: 400, which one", async () => {
      const answer = await create({ caveats: ["action in verify", "uses <= 3"] });
      expect(answer.json<Problem>()).toMatchObject({ status: 422, member: "caveats[1]" });
    });

    test("and not by one who may not: a platform, a person, an administrator's that was narrowed", async () => {
      for (const by of [
        platformToken,
        narrow(service().adminToken, "action in read"),
        narrow(service().adminToken, "platform = other"),
      ]) {
        expect((await CALLS["credential"]?.(by))?.status).toBe(403);
      }
      const byPerson = await service().send(
        "POST",
        "/v1/platforms/default/credentials",
        {},
        service().asHuman("alice"),
      );
      expect(byPerson.status).toBe(403);
    });

    test("revoked by its id, and dead at once; the others of the platform live", async () => {
      const one = (await create({})).json<Issued>();
      const other = (await create({})).json<Issued>();
      await service().revoke([{ token_id: one.token_id }], service().asAdmin());
      expect((await CALLS["list"]?.(one.token))?.status).toBe(401);
      expect((await CALLS["list"]?.(other.token))?.status).toBe(200);
    });

    test("listed with the tokens of the reserved platform, to administrators, and to a platform its own", async () => {
      const issued = (await create({ label: "listed" })).json<Issued>();
      const listed = await service().get("/v1/tokens?platform=bakehouse&limit=1000", service().asAdmin());
      expect(listed.json<{ items: object[] }>().items).toContainEqual(
        expect.objectContaining({ token_id: issued.token_id, label: "listed", status: "active" }),
      );
      const own = await service().get("/v1/tokens?platform=bakehouse&limit=1000", service().asPlatform());
      for (const { principal } of own.json<{ items: { principal: { subject: string } }[] }>().items) {
        expect(principal.subject).toBe("platform:default");
      }
      const asPerson = await service().get("/v1/tokens?platform=bakehouse", service().asHuman("alice"));
      expect(asPerson.json<{ items: object[] }>().items).toEqual([]);
    });
  });

  describe("administrators by group", () => {
    const create = (who: Parameters<ReturnType<typeof service>["asHuman"]>[0], name: string) =>
      service().send("POST", "/v1/platforms", { name }, service().asHuman(who));

    test.each([
      { who: "the own issuer's", human: { subject: "root", groups: ["x", "admins"] }, status: 201 },
      { who: "without the group", human: { subject: "root", groups: ["admin"] }, status: 403 },
      { who: "without groups", human: { subject: "admins" }, status: 403 },
      {
        who: "another issuer's",
        human: { subject: "root", groups: ["admins"], issuer: "https://partner.test" },
        status: 403,
      },
    ])("$who: $status", async ({ human, status }) => {
      expect((await create(human, "by-group")).status).toBe(status);
    });
  });

  test("a credential that has run out is refused, whatever the call", async () => {
    const made = await service().send(
      "POST",
      "/v1/platforms/default/credentials",
      { ttl: 60 },
      service().asAdmin(),
    );
    const { token: short } = made.json<Issued>();
    expect((await CALLS["list"]?.(short))?.status).toBe(200);
    await service().advance(61_000);
    const answer = await CALLS["list"]?.(short);
    expect(answer?.json<Problem>()).toMatchObject({
      status: 401,
      detail: expect.stringMatching(/^the credential is over: the token expired at /),
    });
  });
});
