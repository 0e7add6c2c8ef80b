import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { bound, createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";

describeService("work", (service) => {
  test("spreading caveats over discharges gives no more of it than one chain has", async () => {
    const third = createThirdParty();
    const { token: root } = await service().issue();
    const heavy = ["x != a", "x != b"];
    const token = third.require(narrow(root, ...heavy), "c");
    const ticket = tickets(token).at(-1) ?? "";
    const light = bound(token, third.discharge(ticket));
    const context = { x: Array.from({ length: 4_500 }, (_, index) => `x${index}`) };
    expect((await service().verify(token, context, { discharges: [light] })).allowed).toBe(true);

    const discharges = [bound(token, third.discharge(ticket, ...heavy))];
    expect(await service().verify(token, context, { discharges })).toMatchObject({
      allowed: false,
      code: "caveat_failed",
      detail: expect.stringMatching(/^in discharge 0: x is too much to check/),
    });
  });
});
