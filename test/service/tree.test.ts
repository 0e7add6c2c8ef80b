/** The tree of a token, as verify saw it: what is in it, what is not, who may see it. */
import { expect, test } from "vitest";

import { describeService, type Problem } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

interface Node {
  readonly revocation_id: string;
  readonly agent: string | null;
  readonly placed: string;
  readonly caveats: readonly string[];
  readonly first_seen: string | null;
  readonly allowed: number;
  readonly refused: number;
  readonly revoked: Record<string, unknown> | null;
  readonly budgets: readonly { readonly caveat: string; readonly remaining: string }[];
  readonly children: readonly Node[];
}

const bearerOf = (headers: Readonly<Record<string, string>>) =>
  (headers["authorization"] ?? "").replace("Bearer ", "");

/** Children by their agents: those that were first seen in one millisecond stand in the order of their ids. */
const byAgent = (children: readonly Node[] = []) =>
  children.toSorted((a, b) => (String(a.agent) < String(b.agent) ? -1 : 1));

interface Tree {
  readonly token_id: string;
  readonly root: Node;
  readonly complete: boolean;
}

describeService("the observed tree", (service) => {
  const treeOf = async (id: string, headers = service().asPlatform()) =>
    (await service().get(`/v1/tokens/${id}/tree`, headers)).json<Tree>();
  const read = { action: "read" };

  test("tells each link once, with the calls that were made with it", async () => {
    const { token, token_id, revocation_id } = await service().issue();
    const researcher = narrow(token, "agent = researcher#1", "action in read, list");
    const scrapers = ["scraper#1", "scraper#2"].map((name) => narrow(researcher, `agent = ${name}`));
    for (const one of [researcher, ...scrapers, scrapers[0] ?? ""]) {
      expect(await service().verify(one, read)).toMatchObject({ allowed: true });
    }
    await service().verify(researcher, { action: "write" });

    const { root, complete } = await treeOf(token_id);
    expect(complete).toBe(true);
    expect(root).toMatchObject({ revocation_id, agent: null, placed: "issued", allowed: 0, refused: 0 });
    expect(root.caveats).toHaveLength(1);
    expect(root.children).toHaveLength(1);
    const [child] = root.children;
    expect(child).toMatchObject({
      revocation_id: linkOf(researcher),
      agent: "researcher#1",
      placed: "handed_over",
      caveats: ["agent = researcher#1", "action in read, list"],
      allowed: 1,
      refused: 1,
      revoked: null,
    });
    const below = byAgent(child?.children).map(({ agent, allowed, caveats }) => ({
      agent,
      allowed,
      caveats,
    }));
    expect(below).toEqual([
      { agent: "scraper#1", allowed: 2, caveats: ["agent = scraper#1"] },
      { agent: "scraper#2", allowed: 1, caveats: ["agent = scraper#2"] },
    ]);
  });

  test("a token that nobody called with has its root alone", async () => {
    const { token_id, revocation_id } = await service().issue();
    const tree = await treeOf(token_id, service().asHuman("alice"));
    expect(tree).toMatchObject({ token_id, complete: true });
    expect(tree.root).toMatchObject({
      revocation_id,
      first_seen: null,
      allowed: 0,
      refused: 0,
      children: [],
    });
  });

  test("what is refused counts at the nearest link on record, and makes no part", async () => {
    const { token, token_id } = await service().issue();
    const researcher = narrow(token, "agent = researcher", "action = read");
    await service().verify(researcher, read);
    await treeOf(token_id);
    const crowd = Array.from({ length: 30 }, (_, n) => narrow(researcher, `agent = ghost#${n}`));
    for (const one of crowd) await service().verify(one, { action: "write" });
    await service().verify(narrow(token, "agent = stranger", "no caveat"), read);
    const { root } = await treeOf(token_id);
    expect(root).toMatchObject({ allowed: 0, refused: 1 });
    expect(root.children).toMatchObject([{ agent: "researcher", allowed: 1, refused: 30, children: [] }]);
  });

  test("a dry run, a wrong signature and another platform's question leave no trace", async () => {
    const { token, token_id } = await service().issue();
    await service().createPlatform("tree-elsewhere");
    await service().verify(narrow(token, "agent = dry"), {}, { dry_run: true });
    await service().verify(narrow(token, "agent = foreign"), {}, {}, "tree-elsewhere");
    await service().verify(`${token.slice(0, -4)}AAAA`, {});
    const { root } = await treeOf(token_id);
    expect(root).toMatchObject({ first_seen: null, allowed: 0, refused: 0, children: [] });
  });

  test("a batch is seen like single questions", async () => {
    const { token, token_id } = await service().issue();
    const child = narrow(token, "agent = child", "uses <= 1");
    const requests = [token, child, child, child].map((one) => ({ token: one, context: {} }));
    await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    const { root } = await treeOf(token_id);
    expect(root).toMatchObject({ allowed: 1, refused: 0 });
    expect(root.children).toMatchObject([{ agent: "child", allowed: 1, refused: 2 }]);
    expect(root.children[0]?.budgets).toMatchObject([{ caveat: "uses <= 1", remaining: "0" }]);
  });

  test("budgets say what is left, those that were issued and those of holders", async () => {
    const { token, token_id } = await service().issue({ caveats: ["uses <= 9", "rate <= 5/m"] });
    const child = narrow(token, "agent = child", "spend.EUR <= 10");
    await service().verify(child, {}, { cost: { EUR: "2.5" } });
    const { root } = await treeOf(token_id);
    expect(root.budgets).toMatchObject([
      { caveat: "uses <= 9", remaining: "8" },
      { caveat: "rate <= 5/m", remaining: "4" },
    ]);
    expect(root.children[0]?.budgets).toMatchObject([{ caveat: "spend.EUR <= 10", remaining: "7.5" }]);
  });

  test("what was revoked says by which kind of author, and why to the author's own side", async () => {
    const { token, token_id } = await service().issue();
    const researcher = narrow(token, "agent = researcher");
    const scraper = narrow(researcher, "agent = scraper");
    const other = narrow(token, "agent = other");
    for (const one of [scraper, other]) await service().verify(one);
    const body = { targets: [{ revocation_id: linkOf(researcher) }], reason: "it left the sandbox" };
    await service().send("POST", "/v1/revocations", body, service().asPlatform());
    const { root } = await treeOf(token_id);
    expect(root.revoked).toBeNull();
    const [alive, dead] = byAgent(root.children);
    const facts = { revocation_id: linkOf(researcher), by: "platform", reason: "it left the sandbox" };
    expect(dead).toMatchObject({ agent: "researcher", revoked: facts });
    expect(dead?.children).toMatchObject([{ agent: "scraper", revoked: facts }]);
    expect(alive).toMatchObject({ agent: "other", revoked: null });

    const asPerson = await treeOf(token_id, service().asHuman("alice"));
    expect(byAgent(asPerson.root.children)[1]?.revoked).not.toHaveProperty("reason");
    await service().revoke([{ token_id }], service().asHuman("alice"));
    expect((await treeOf(token_id)).root).toMatchObject({
      revoked: { by: "principal", target: { token_id } },
    });
  });

  test("who may not see the token sees no tree and no link of it", async () => {
    const { token, token_id } = await service().issue();
    const child = narrow(token, "agent = child");
    await service().verify(child);
    await treeOf(token_id);
    await service().createPlatform("tree-foreign");
    const paths = [`/v1/tokens/${token_id}/tree`, `/v1/links/${linkOf(child)}`];
    for (const headers of [service().asPlatform("tree-foreign"), service().asHuman("bob")]) {
      for (const path of paths) {
        const foreign = (await service().get(path, headers)).json<Problem>();
        expect(foreign).toMatchObject({ status: 404, code: "not_found" });
      }
      const unknown = await service().get(`/v1/links/${"A".repeat(22)}`, headers);
      const foreign = await service().get(`/v1/links/${linkOf(child)}`, headers);
      expect(foreign.json<Problem>().detail).toBe(unknown.json<Problem>().detail);
    }
    expect((await service().get(paths[0] ?? "")).status).toBe(401);
    // One that may not read learns of no link, not even that it is there.
    const blind = { authorization: `Bearer ${narrow(bearerOf(service().asPlatform()), "action = verify")}` };
    for (const path of [paths[1] ?? "", `/v1/links/${"A".repeat(22)}`])
      expect((await service().get(path, blind)).status).toBe(403);
  });

  test("one link is found by its id alone", async () => {
    const { token, token_id, revocation_id } = await service().issue();
    const researcher = narrow(token, "agent = researcher#1", "action = read");
    const scraper = narrow(researcher, "agent = scraper", "uses <= 3");
    await service().verify(scraper, read);
    await treeOf(token_id);
    const get = async (link: string) =>
      (await service().get(`/v1/links/${link}`, service().asHuman("alice"))).json();
    expect(await get(linkOf(scraper))).toMatchObject({
      token_id,
      platform: "default",
      agents: ["researcher#1", "scraper"],
      agent: "scraper",
      caveats: ["agent = scraper", "uses <= 3"],
      allowed: 1,
      budgets: [{ remaining: "2" }],
    });
    expect(await get(linkOf(researcher))).toMatchObject({ agents: ["researcher#1"], allowed: 0 });
    expect(await get(revocation_id)).toMatchObject({ parent: null, placed: "issued", agents: [] });
  });

  test("is drawn, and outlined, with all that holders wrote escaped", async () => {
    const { token, token_id } = await service().issue();
    const hostile = narrow(token, "agent = evil", 'note in "<script>alert(1)</script>", "]]>&amp;"');
    await service().verify(hostile, { note: "]]>&amp;" });
    const path = `/v1/tokens/${token_id}/tree`;
    const svg = await service().get(path, { ...service().asPlatform(), accept: "image/svg+xml" });
    expect(svg.headers.get("content-type")).toBe("image/svg+xml");
    expect(svg.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-.*sandbox$/,
    );
    expect(svg.text).not.toContain("<script");
    expect(svg.text).toContain("&lt;script&gt;");
    const outline = await service().get(path, { ...service().asPlatform(), accept: "text/plain" });
    expect(outline.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(outline.text).toContain("- evil (1 allowed, 0 refused");
    expect(outline.text).toContain("what a holder claims");
  });
});
