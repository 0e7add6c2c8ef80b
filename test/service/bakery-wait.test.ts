import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { tickets } from "../support/service-macaroons.ts";
import { until } from "../support/until.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";

interface Asked {
  readonly Info: {
    readonly InteractionMethods: {
      readonly "browser-window": { readonly VisitURL: string; readonly WaitTokenURL: string };
    };
  };
}

describeService(
  "a client of macaroon-bakery that waits for a person",
  (service) => {
    async function asked() {
      const third_party_caveats = [{ location: LOCATION, condition: "is-authenticated-user" }];
      const { token } = await service().issue({ third_party_caveats });
      const id64 = Buffer.from(tickets(token)[0] ?? "", "base64url").toString("base64");
      const body = new URLSearchParams({ id64 });
      const answer = await service().request("/discharge", { method: "POST", body });
      const { VisitURL, WaitTokenURL } = answer.json<Asked>().Info.InteractionMethods["browser-window"];
      const path = (url: string) => url.slice(LOCATION.length);
      return {
        wait: path(WaitTokenURL),
        async act() {
          const session = await people.login(service().request, "bob");
          const form = new URLSearchParams({ decision: "confirm" });
          const done = await service().request(path(VisitURL), {
            method: "POST",
            headers: session,
            body: form,
          });
          expect(done.status, done.text).toBe(303);
        },
      };
    }

    /** Waits until the store has been asked so many times more whether somebody has acted. */
    async function moreLooks(method: "find" | "standings", count: number): Promise<void> {
      const { calls } = service().watched;
      const begin = calls.length;
      const look = `dischargeRequests.${method}`;
      await until(() => calls.slice(begin).filter((call) => call === look).length >= count);
    }

    test("is sent on eight times, and then waits for as long as it takes", async () => {
      const { wait, act } = await asked();
      let path = wait;
      for (let hop = 1; hop <= 8; hop++) {
        const answer = await service().get(path);
        expect(answer.status).toBe(303);
        path = answer.headers.get("location") ?? "";
        expect(path).toBe(`${wait}&hop=${hop}`);
      }
      let answered = false;
      const last = service()
        .get(path)
        .finally(() => {
          answered = true;
        });
      await moreLooks("standings", 2); // each after a pause that is longer than all eight waited together
      expect(answered).toBe(false);
      await act();
      expect((await last).json()).toMatchObject({ kind: "macaroon" });
    });

    test("follows by itself, as stock clients do, and gets its token", async () => {
      const { wait, act } = await asked();
      const server = await service().listen();
      try {
        // A request looks twice, and once more if it is woken for somebody else: so many are never those of one.
        const looked = moreLooks("find", 6);
        const waiting = fetch(`${server.url}${wait}`);
        await looked;
        await act();
        const response = await waiting;
        expect([response.status, response.redirected]).toEqual([200, true]);
        expect(await response.json()).toMatchObject({ kind: "macaroon" });
      } finally {
        await server.close();
      }
    });

    test.each(["9", "-1", "1e1", "", "x", "0 "])("that counts its own way waits on: hop=%s", async (hop) => {
      const { wait, act } = await asked();
      const waiting = service().get(`${wait}&${new URLSearchParams({ hop })}`);
      await act();
      expect((await waiting).status).toBe(200);
    });
  },
  { relyingParty: people.relyingParty, waitMilliseconds: 40 },
);
