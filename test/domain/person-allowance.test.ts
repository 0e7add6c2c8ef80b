import { expect, test } from "vitest";

import type { HumanCaller } from "../../src/domain/caller.ts";
import { createPersonAllowance } from "../../src/domain/person-allowance.ts";
import { createManualClock } from "./manual.ts";

function caller(subject: string, more: Partial<HumanCaller>): HumanCaller {
  const identity = { issuer: "https://login.test", subject, groups: [] };
  return { kind: "human", administrator: false, identity, ...more } as unknown as HumanCaller;
}

test("each way to act as a person has an allowance, a program half of one, and time gives back", () => {
  const { clock, advance } = createManualClock();
  const take = createPersonAllowance({ clock }, { perSecond: 1, burst: 4, name: "things" });
  const taken = (who: HumanCaller | undefined) => {
    for (let count = 0; count < 20; count++) {
      try {
        take(who, "member");
      } catch (error) {
        expect(error).toMatchObject({ code: "rate_limited", member: "member" });
        return count;
      }
    }
    return "no end";
  };
  const program = (id: string) => caller("alice", { program: { id } } as unknown as Partial<HumanCaller>);
  expect(taken(caller("alice", {}))).toBe(4);
  expect(taken(caller("alice", { sessionBegunAt: 1 } as Partial<HumanCaller>))).toBe(4);
  expect([taken(program("a")), taken(program("b")), taken(program("c"))]).toEqual([2, 2, 0]);
  expect(taken(caller("bob", {}))).toBe(4);
  expect(taken(caller("root", { administrator: true }))).toBe("no end");
  expect(taken(undefined)).toBe("no end");
  advance(2_000);
  expect(taken(caller("alice", {}))).toBe(2);
});
