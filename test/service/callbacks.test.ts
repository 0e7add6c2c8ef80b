/** Coming back from the issuer with made-up codes makes this service ask the issuer at a rate. */
import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";

const people = stubRelyingParty();
let questions = 0;

describeService(
  "callbacks with made-up codes",
  (service) => {
    const begin = async () => (await service().get("/login")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const comeBack = async (attempt: string, from: string) =>
      service().get("/callback?state=s&code=made-up", { cookie: attempt, "x-test-peer": from });

    test("from one network they are refused after a while, and others' are not", async () => {
      const before = questions;
      let last = await comeBack(await begin(), "198.51.100.1");
      for (let count = 1; count < 80; count++) last = await comeBack(await begin(), "198.51.100.1");
      expect(last.status).toBe(429);
      expect(questions - before).toBeLessThan(70);
      const asked = questions;
      expect((await comeBack(await begin(), "203.0.113.1")).status).toBe(400);
      expect(questions).toBe(asked + 1);
      // One that was refused is not used up.
      const mine = await begin();
      expect((await comeBack(mine, "198.51.100.1")).status).toBe(429);
      expect((await comeBack(mine, "203.0.113.2")).status).toBe(400);
      expect(questions).toBe(asked + 2);
    });
  },
  {
    relyingParty: {
      ...people.relyingParty,
      async finish() {
        questions += 1;
        return { ok: false, reason: "the issuer knows no such code" };
      },
    },
  },
);
