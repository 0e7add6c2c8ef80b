/** The links that verify has seen: the bounds within which they are recorded, and how they are found. */
import { randomBytes, randomUUID } from "node:crypto";

import { beforeAll, expect, test } from "vitest";
import type { Store } from "../../src/domain/ports/store.ts";
import type { ObservedLink, SeenChain, SeenLink } from "../../src/domain/ports/tokens.ts";
import { describeOnEachDatabase } from "../support/database.ts";

const AT = Date.UTC(2026, 10, 22, 13);
const WIDE = { children: 100, below: 1_000, leastBelow: 100 };

/** A link, which has a new id unless it has a name. */
function link(agent: string | null, handsOn = agent !== null, level = 1): SeenLink {
  return { link: new Uint8Array(randomBytes(16)), caveat: "x = y", agent, handsOn, level };
}

function tree() {
  const tokenId = uuid();
  const issued = new Uint8Array(randomBytes(16));
  return {
    tokenId,
    issued,
    chain: (links: readonly SeenLink[] | SeenChain["links"], more: Partial<SeenChain> = {}): SeenChain => ({
      tokenId,
      issued,
      issuedAgent: null,
      links: "last" in links || "added" in links ? links : { above: undefined, added: links },
      allowed: 1,
      refused: 0,
      firstSeen: AT,
      lastSeen: AT,
      approvals: [],
      ...more,
    }),
  };
}

/** A UUIDv7 of {@link AT}. */
function uuid(): string {
  const time = AT.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

describeOnEachDatabase("observed links", (open) => {
  let store: Store;
  beforeAll(async () => {
    ({ store } = await open());
  });
  const rows = (tokenId: string, now = AT) => store.links.trees([tokenId], 1_000, now);
  const sizes = (all: readonly ObservedLink[]) => ({
    links: all.length,
    allowed: all.reduce((sum, one) => sum + one.allowed, 0),
    refused: all.reduce((sum, one) => sum + one.refused, 0),
    whole: all.every(({ whole }) => whole),
  });

  test("a prefix that chains share is stored once, and counts add up", async () => {
    const { tokenId, chain } = tree();
    const shared = [link("a"), link("a", false)];
    const chains = [
      chain([...shared, link("b", true, 2)]),
      chain([...shared, link("c", true, 2)], { allowed: 2, refused: 1, lastSeen: AT + 1_000 }),
      chain(shared),
    ];
    expect(await store.links.observe(chains, WIDE)).toEqual([]);
    const last = (shared[1] as SeenLink).link;
    expect(await store.links.observe([chain({ last }, { allowed: 4 })], WIDE)).toEqual([]);
    const all = await rows(tokenId);
    expect(sizes(all)).toEqual({ links: 5, allowed: 8, refused: 1, whole: true });
    expect(all.find((one) => Buffer.from(last).equals(one.link))).toMatchObject({ allowed: 5, lastHour: 5 });
    expect(all.map(({ lastSeen }) => lastSeen - AT).sort()).toEqual([0, 0, 0, 0, 1_000]);
  });

  test("a chain that was only refused adds nothing but its root", async () => {
    const { tokenId, chain } = tree();
    const links = [link("a"), link("a", false)];
    expect(await store.links.observe([chain(links, { allowed: 0, refused: 7 })], WIDE)).toMatchObject([
      { place: 0, full: false },
    ]);
    expect(sizes(await rows(tokenId))).toEqual({ links: 1, allowed: 0, refused: 7, whole: true });
    await store.links.observe([chain(links.slice(0, 1))], WIDE);
    expect(await store.links.observe([chain(links, { allowed: 0, refused: 2 })], WIDE)).toMatchObject([
      { place: 0, full: false },
    ]);
    const [root, child] = await rows(tokenId);
    expect([root?.refused, child?.refused, child?.allowed]).toEqual([7, 2, 1]);
  });

  test("a link that is not on record counts at what was issued, and is named", async () => {
    const { tokenId, chain } = tree();
    const last = new Uint8Array(randomBytes(16));
    expect(await store.links.observe([chain({ last }, { allowed: 3 })], WIDE)).toMatchObject([
      { place: 0, full: false },
    ]);
    expect(sizes(await rows(tokenId))).toMatchObject({ links: 1, allowed: 3 });
  });

  test("a chain may name a link that stands, and what is below it", async () => {
    const { tokenId, chain } = tree();
    const [top, middle, bottom] = [link("a"), link("a", false), link("b", true, 2)];
    await store.links.observe([chain([top, middle])], WIDE);
    const below = { above: middle.link, added: [bottom] };
    expect(await store.links.observe([chain(below)], WIDE)).toEqual([]);
    const unknown = { above: new Uint8Array(randomBytes(16)), added: [link("c")] };
    expect(await store.links.observe([chain(unknown)], WIDE)).toMatchObject([{ place: 0, full: false }]);
    const all = await rows(tokenId);
    expect(all.map(({ agent, allowed }) => [agent, allowed])).toEqual([
      [null, 1],
      ["a", 0],
      ["a", 1],
      ["b", 1],
    ]);
    expect(all.slice(1).map(({ parent }) => parent && Buffer.from(parent).toString("hex"))).toEqual(
      all.slice(0, -1).map(({ link: id }) => Buffer.from(id).toString("hex")),
    );
  });

  test("of one parent so many children are recorded, and the calls of the others count there", async () => {
    const { tokenId, chain } = tree();
    const parent = link("a");
    const children = Array.from({ length: 5 }, () => chain([parent, link("b", true, 2)]));
    expect(await store.links.observe(children, { ...WIDE, children: 3 })).toMatchObject([
      { place: 3, full: true, at: parent.link },
      { place: 4, full: true, at: parent.link },
    ]);
    const all = await rows(tokenId);
    expect(sizes(all)).toEqual({ links: 5, allowed: 5, refused: 0, whole: false });
    expect(all.find(({ agent }) => agent === "a")).toMatchObject({ allowed: 2 });
  });

  test("one agent's descendants cannot use up the room of the agents beside it", async () => {
    const { tokenId, chain } = tree();
    const [hostile, honest] = [link("hostile"), link("honest")];
    const bounds = { children: 1_000, below: 80, leastBelow: 5 };
    const crowd = Array.from({ length: 100 }, (_, n) => chain([hostile, link(`h#${n}`, true, 2)]));
    await store.links.observe(crowd, bounds);
    const others = Array.from({ length: 10 }, (_, n) => chain([honest, link(`o#${n}`, true, 2)]));
    expect(await store.links.observe(others, bounds)).toEqual([]);
    const all = await rows(tokenId);
    expect(all.filter(({ agent }) => agent?.startsWith("h#"))).toHaveLength(20);
    expect(all.filter(({ agent }) => agent?.startsWith("o#"))).toHaveLength(10);
    expect(sizes(all)).toMatchObject({ allowed: 110, whole: false });
  });

  test("the last hour is that before the question", async () => {
    const { tokenId, chain } = tree();
    const only = [link("a")];
    const calls = [0, 10, 50, 58].map((minutes) => {
      const at = AT + minutes * 60_000;
      return chain(only, { allowed: minutes + 1, firstSeen: at, lastSeen: at });
    });
    for (const one of calls) await store.links.observe([one], WIDE);
    const hour = async (minutes: number) =>
      (await rows(tokenId, AT + minutes * 60_000)).find(({ agent }) => agent === "a")?.lastHour;
    expect(await hour(58)).toBe(1 + 11 + 51 + 59);
    expect(await hour(68)).toBe(11 + 51 + 59);
    expect(await hour(112)).toBe(51 + 59);
    expect(await hour(200)).toBe(0);
  });

  test("two batches of the same trees at once wait for each other, and for nothing else", async () => {
    const trees = Array.from({ length: 8 }, tree);
    const first = link("a");
    const batches = Array.from({ length: 8 }, (_, n) => {
      const chains = trees.map(({ chain }) => chain([first, link(`b#${n}`, true, 2)]));
      return n % 2 === 0 ? chains : chains.toReversed();
    });
    await Promise.all(batches.map((batch) => store.links.observe(batch, WIDE)));
    for (const { tokenId } of trees)
      expect(sizes(await rows(tokenId))).toMatchObject({ links: 10, allowed: 8 });
  });
});
