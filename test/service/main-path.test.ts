import { expect, test } from "vitest";

import { bearer, describeService, type Revoked } from "../support/service.ts";
import { forged, linkOf, narrow } from "../support/service-macaroons.ts";

const READ = { action: "read", resource: "repo:acme/site" };
const REVOKED = {
  allowed: false,
  code: "revoked",
  detail: "the token, or one that it was narrowed from, has been revoked",
};

describeService("the main path", (service) => {
  /** Alice's root, handed to an orchestrator, a researcher and three scrapers, all offline. */
  async function team() {
    const root = (await service().issue({ caveats: ["action in read, list"] })).token;
    const orchestrator = narrow(root, "agent = orchestrator#1", "resource matches repo:acme/**");
    const researcher = narrow(orchestrator, "agent = researcher#1", "action = read");
    const scrapers = ["a", "b", "c"].map((name) => narrow(researcher, `agent = scraper#${name}`));
    return { root, orchestrator, researcher, scrapers };
  }

  test("a person's token is handed down offline, and each holder may do what is left", async () => {
    const { root, orchestrator, researcher, scrapers } = await team();
    const list = { action: "list", resource: "repo:acme/site" };
    for (const token of [root, orchestrator, researcher, ...scrapers]) {
      expect(await service().verify(token, READ)).toMatchObject({ allowed: true });
    }
    expect(await service().verify(orchestrator, list)).toMatchObject({ allowed: true });
    expect(await service().verify(researcher, list)).toMatchObject({
      allowed: false,
      code: "caveat_failed",
      failures: [
        {
          caveat: "action = read",
          agent: "researcher#1",
          detail: 'action is "list", the token allows only read (since the hand-over to researcher)',
        },
      ],
    });
    expect(await service().verify(scrapers[0] ?? "", READ)).toMatchObject({
      agents: ["orchestrator#1", "researcher#1", "scraper#a"],
      principal: { issuer: "https://login.test", subject: "alice" },
      platform: "default",
    });
  });

  test("the researcher is revoked, and the scrapers with it; orchestrator and person go on", async () => {
    const { root, orchestrator, researcher, scrapers } = await team();
    await service().revoke([{ token: researcher }]);
    for (const token of [researcher, ...scrapers]) {
      expect(await service().verify(token, READ)).toMatchObject(REVOKED);
    }
    for (const token of [root, orchestrator, narrow(orchestrator, "agent = researcher#2")]) {
      expect(await service().verify(token, READ)).toMatchObject({ allowed: true });
    }
  });

  test("of five links the third is revoked: it and all below it die, one, two and siblings live", async () => {
    const links = [(await service().issue()).token];
    for (const name of ["one", "two", "three", "four", "five"]) {
      links.push(narrow(links.at(-1) ?? "", `agent = ${name}`));
    }
    const [root = "", one = "", two = "", three = "", four = "", five = ""] = links;
    const siblings = [narrow(two, "agent = three#b"), narrow(one, "agent = two#b", "agent = three")];
    const below = [narrow(three, "action = read"), narrow(narrow(four, "action = read"), "agent = x#9")];
    for (const token of [...links, ...siblings, ...below]) {
      expect(await service().verify(token, READ)).toMatchObject({ allowed: true });
    }

    const { sequence } = await service().revoke([{ revocation_id: linkOf(three) }], service().asPlatform());
    for (const token of [three, four, five, ...below]) {
      expect(await service().verify(token, READ)).toMatchObject(REVOKED);
      expect(await service().verify(token, READ, { min_sequence: sequence })).toMatchObject(REVOKED);
    }
    for (const token of [root, one, two, ...siblings]) {
      expect(await service().verify(token, READ)).toMatchObject({ allowed: true });
    }
    // Minted after the revocation, and by somebody who never heard of it.
    expect(await service().verify(narrow(four, "agent = late"), READ)).toMatchObject(REVOKED);
  });

  test("the ids in verify's answer name the links as their holders compute them", async () => {
    const root = (await service().issue()).token;
    const child = narrow(root, "agent = child");
    const answer = await service().verify(child, READ);
    expect(answer).toMatchObject({ allowed: true, revocation_id: linkOf(child) });
    // Root without caveats, `time <`, `agent`.
    expect(answer).toHaveProperty("revocation_ids.length", 3);
    expect(answer).toHaveProperty("revocation_ids.1", linkOf(root));
    expect(answer).toHaveProperty("revocation_ids.2", linkOf(child));
  });

  test.each([0, 1, 2])("each id in verify's answer can be revoked by: %i", async (index) => {
    const child = narrow((await service().issue()).token, "agent = child");
    const answer = await service().verify(child, READ);
    if (!answer.allowed) throw new Error(answer.code);
    await service().revoke([{ revocation_id: answer.revocation_ids[index] }], service().asPlatform());
    expect(await service().verify(child, READ)).toMatchObject(REVOKED);
  });

  test("identical delegations are one link, and an instance makes two of them", async () => {
    const root = (await service().issue()).token;
    const [same, again] = [narrow(root, "agent = a"), narrow(root, "agent = a")];
    const other = narrow(root, "agent = a#2");
    await service().revoke([{ token: same }]);
    expect(await service().verify(again, READ)).toMatchObject(REVOKED);
    expect(await service().verify(other, READ)).toMatchObject({ allowed: true });
  });

  test("a token that goes through other hands in other encodings is the same link", async () => {
    const token = narrow((await service().issue()).token, "agent = a");
    const padded = Buffer.from(token, "base64url").toString("base64");
    expect(await service().verify(padded, READ)).toMatchObject({ allowed: true });
    await service().revoke([{ token: padded }]);
    expect(await service().verify(token, READ)).toMatchObject(REVOKED);
  });

  test("a forgery is refused, whatever it claims", async () => {
    const { token } = await service().issue();
    expect(await service().verify(forged(token), READ)).toEqual({
      allowed: false,
      code: "bad_signature",
      detail: "the token's signature is wrong",
      failures: [],
      undischarged: [],
      sequence: expect.any(String),
    });
  });

  test("works through a real socket, the token in a header", async () => {
    const { url, close } = await service().listen();
    try {
      const json = { "content-type": "application/json" };
      const issued = await fetch(`${url}/v1/tokens`, {
        method: "POST",
        headers: { ...json, ...service().asHuman("alice") },
        body: JSON.stringify({ platform: "default" }),
      });
      const { token }: { token: string } = JSON.parse(await issued.text());
      const credential = narrow(
        service().asPlatform()["authorization"]?.slice(7) ?? "",
        "ip within 127.0.0.0/8",
      );
      const ask = () =>
        fetch(`${url}/v1/verify`, {
          method: "POST",
          headers: { ...json, ...bearer(credential) },
          body: JSON.stringify({ token, context: {} }),
        }).then((response) => response.json());
      expect(await ask()).toMatchObject({ allowed: true });
      const revoked = await fetch(`${url}/v1/revocations`, {
        method: "POST",
        headers: json,
        body: JSON.stringify({ targets: [{ token }] }),
      });
      const { revocations }: Revoked = JSON.parse(await revoked.text());
      expect(revocations).toHaveLength(1);
      expect(await ask()).toMatchObject(REVOKED);
    } finally {
      await close();
    }
  });

  test("a token of depth five with two caveats a link is shorter than 4 KB", async () => {
    let { token } = await service().issue({ caveats: ["action in read, list"] });
    for (const agent of ["orchestrator", "planner", "researcher", "crawler", "scraper"]) {
      token = narrow(token, `agent = ${agent}#7f3a9c51d2e8`, "resource matches repo:acme/site/**");
    }
    expect(await service().verify(token, { action: "read", resource: "repo:acme/site/a" })).toMatchObject({
      allowed: true,
    });
    const header = `Authorization: Bearer ${token}`;
    process.stdout.write(`a token of depth 5 with two caveats a link: ${token.length} characters\n`);
    expect(header.length).toBeLessThan(4_096);
  });
});
