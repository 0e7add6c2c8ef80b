import { describe, expect, test } from "vitest";

import { contextOf, loadCases } from "../caveats/cases.ts";
import { describeService } from "../support/service.ts";
import { createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";

const cases = loadCases();
const NOON = Date.parse("2026-11-20T12:00:00Z");
const RESERVED =
  "time agent depth uses spend rate holder ancestor approval principal platform token_id cost bh".split(" ");

/** Whether the service would refuse the context itself, which clearing alone does not. */
function setsReserved(row: (typeof cases)[number]): boolean {
  return RESERVED.some((name) => contextOf(row).has(name));
}

describeService(
  "the table of caveat cases, over HTTP",
  (service) => {
    const third = createThirdParty();

    async function ask(token: string, discharges: readonly string[], row: (typeof cases)[number]) {
      const { contextText, costText, now } = row;
      service().clock.freeze(Math.floor(Date.parse(now)));
      const rest = JSON.stringify({ token, discharges });
      // The context goes in as it is written, so that its numbers keep their digits.
      const body = `${rest.slice(0, -1)},"context":${contextText},"cost":${costText}}`;
      return service().send("POST", "/v1/verify", body, service().asPlatform());
    }

    describe("in the root macaroon", () => {
      test.each(cases.filter(({ macaroon }) => macaroon === "root"))("$name", async (row) => {
        const { token } = await root();
        const answer = await ask(narrow(token, ...row.caveats), [], row);
        if (setsReserved(row)) {
          expect(answer.status).toBe(400);
          return;
        }
        expect(answer.json()).toMatchObject(
          row.code === null ? { allowed: true } : { allowed: false, code: row.code },
        );
        if (row.detail !== undefined) expect(answer.json()).toHaveProperty("failures.0.detail", row.detail);
      });
    });

    describe("in a discharge", () => {
      test.each(cases.filter(({ macaroon }) => macaroon === "discharge"))("$name", async (row) => {
        const { token } = await root();
        const asking = third.require(token, "c");
        const [ticket = ""] = tickets(asking);
        const answer = await ask(asking, [third.discharge(ticket, ...row.caveats)], row);
        if (setsReserved(row)) {
          expect(answer.status).toBe(400);
          return;
        }
        // Unbound, so it serves only where it names a link of this very chain, which no row can.
        const { code } = answer.json<{ code: string }>();
        const tied = row.caveats[0]?.startsWith("ancestor = ") && row.code !== "caveat_unknown";
        expect(code).toBe(tied ? "caveat_failed" : "discharge_invalid");
      });
    });

    let issued: ReturnType<ReturnType<typeof service>["issue"]> | undefined;
    function root() {
      issued ??= service().issue({ ttl: 86_400 });
      return issued;
    }
  },
  // The service's clock is set to each row's instant.
  { beginAt: NOON, clockTolerance: Number.POSITIVE_INFINITY },
);
