/** The observed tree beside a plain account of it, on two replicas over one database: any delegations, calls and revocations. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { TreeNode } from "../../src/domain/tree-service.ts";
import { systemClock } from "../../src/run/system.ts";
import { openStore } from "../../src/storage/open.ts";
import { calmNow } from "../support/calm-clock.ts";
import { describeOn, testDatabaseUrl } from "../support/database.ts";
import { timesOf } from "../support/form.ts";
import { question } from "../support/question.ts";
import { type InProcessReplica, newFleet, person, platformCaller, startReplica } from "../support/replica.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

/** A token with the ids of its links below what was issued, and its caveats there. */
interface Chain {
  readonly token: string;
  readonly links: readonly string[];
  readonly caveats: readonly string[];
}

interface Count {
  allowed: number;
  refused: number;
}

const delegation = fc.record({
  kind: fc.constant("delegate"),
  parent: fc.nat(),
  agent: fc.option(fc.constantFrom("a", "b", "a#1", "a#2"), { freq: 5 }),
  more: fc.array(fc.constantFrom("ok = yes", "depth <= 4", "n <= 3", "when ok = no then n <= 1"), {
    maxLength: 2,
  }),
});
const on = { which: fc.nat(), replica: fc.nat({ max: 1 }) };
const step = fc.oneof(
  { weight: 4, arbitrary: delegation },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("call"), ...on, ok: fc.boolean(), dry: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke"), ...on }) },
);

describeOn("postgres", "the observed tree", () => {
  const fleet = newFleet();
  const replicas: InProcessReplica[] = [];
  beforeAll(async () => {
    const url = await testDatabaseUrl();
    const clock = { ...systemClock, monotonic: calmNow };
    for (let n = 0; n < 2; n++) {
      const store = await openStore({ place: { kind: "server", url }, deadline: 60_000 });
      replicas.push(await startReplica({ store, fleet, clock, staleness: 120_000 }));
    }
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.stop();
    fleet.remove();
  });
  const replica = (n: number) => replicas[n % 2] ?? expect.fail("no replica");

  test("is what the calls make it, whichever replica they came to", async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const issued = await replica(0).issue();
      const root: Chain = { token: issued.token, links: [], caveats: [] };
      const chains = [root];
      const pick = (n: number) => chains[n % chains.length] ?? root;
      // By link; that of what was issued is "".
      const recorded = new Map<string, Count>([["", { allowed: 0, refused: 0 }]]);
      const dead = new Set<string>();
      let sequence: string | undefined;

      for (const one of steps) {
        if (one.kind === "delegate") {
          const parent = pick(one.parent);
          const caveats = [...(one.agent === null ? [] : [`agent = ${one.agent}`]), ...one.more];
          if (caveats.length === 0) continue;
          const links = caveats.map((_, n) => linkOf(narrow(parent.token, ...caveats.slice(0, n + 1))));
          chains.push({
            token: narrow(parent.token, ...caveats),
            links: [...parent.links, ...links],
            caveats: [...parent.caveats, ...caveats],
          });
        } else if (one.kind === "revoke") {
          const id = pick(one.which).links.at(-1);
          if (id === undefined) continue;
          sequence = await replica(one.replica).revoke(platformCaller("default"), {
            kind: "revocation_id",
            revocationId: id,
          });
          dead.add(id);
        } else {
          const { token, links } = pick(one.which);
          const { service, recording } = replica(one.replica).composed;
          const context = new Map<string, string>([
            ["ok", one.ok ? "yes" : "no"],
            ["n", "2"],
          ]);
          const asked = question(token, { context, dryRun: one.dry, minSequence: sequence });
          const { allowed } = await service.decisions.decide(platformCaller("default"), asked);
          await recording.flush();
          if (one.dry) continue;
          if (allowed)
            for (const id of links) if (!recorded.has(id)) recorded.set(id, { allowed: 0, refused: 0 });
          const nearest = recorded.get(links.findLast((id) => recorded.has(id)) ?? "");
          if (nearest !== undefined) nearest[allowed ? "allowed" : "refused"] += 1;
        }
      }

      for (const [n, asker] of [platformCaller("default"), person("alice")].entries()) {
        if (sequence !== undefined) await replica(n).verify(issued.token, sequence);
        const before = recorded.get("") as Count;
        // The call that waits for the sequence is a call like any other.
        if (sequence !== undefined) before.allowed += 1;
        const tree = await replica(n).composed.service.trees.of(asker, issued.tokenId);
        expect(tree.complete).toBe(true);
        compare(tree.root, chains, recorded, dead, issued.revocationId);
      }
    });
    await fc.assert(property, { numRuns: timesOf(40, 12) });
  }, 240_000);
});

function compare(
  root: TreeNode,
  chains: readonly Chain[],
  recorded: ReadonlyMap<string, Count>,
  dead: ReadonlySet<string>,
  issuedId: string,
): void {
  const paths = new Map<string, readonly string[]>();
  const ancestors = new Map<string, readonly string[]>();
  for (const { links, caveats } of chains) {
    for (const [n, id] of links.entries()) {
      paths.set(id, caveats.slice(0, n + 1));
      ancestors.set(id, links.slice(0, n + 1));
    }
  }
  const counts = new Map<string, Count>();
  const visit = (node: TreeNode, above: readonly string[]): void => {
    const isRoot = node.revocationId === issuedId;
    const caveats = isRoot ? [] : [...above, ...node.caveats];
    const id = isRoot ? "" : node.revocationId;
    if (!isRoot) {
      expect(caveats).toEqual(paths.get(id));
      const killer = ancestors.get(id)?.find((one) => dead.has(one));
      expect(node.revoked?.revocationId).toBe(killer);
    }
    expect(counts.has(id)).toBe(false);
    counts.set(id, { allowed: node.allowed, refused: node.refused });
    for (const child of node.children) visit(child, caveats);
  };
  visit(root, []);
  // Links without calls of their own may have been put together with those below.
  const withCalls = [...recorded].filter(([id, { allowed, refused }]) => id === "" || allowed + refused > 0);
  for (const [id, count] of withCalls) expect(counts.get(id)).toEqual(count);
  for (const [id, { allowed, refused }] of counts) {
    if (allowed + refused > 0) expect(recorded.has(id)).toBe(true);
  }
}
