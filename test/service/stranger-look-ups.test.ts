import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";

const people = stubRelyingParty();

const REQUEST = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";

/** A secret that nobody was given. */
function guess(index: number): string {
  return `${index}`.padStart(43, "A");
}

/** Far more than one network may look up at once. */
const MANY = 400;

describeService(
  "look-ups that strangers cause",
  (service) => {
    const from = (peer: string) => ({ "x-test-peer": peer });
    const cookie = (value: string) => ({ cookie: `bakehouse=${value}` });

    const WAYS = {
      "a front page with a made-up session": [
        "sessions.find",
        (n, peer) => service().get("/", { ...cookie(guess(n)), ...peer }),
      ],
      "an API call with a made-up session": [
        "sessions.find",
        (n, peer) => service().get("/v1/tokens", { ...cookie(guess(n)), ...peer }),
      ],
      "a page with a made-up session": [
        "sessions.find",
        (n, peer) => service().get(`/discharges/${REQUEST}`, { ...cookie(guess(n)), ...peer }),
      ],
      "a logout of a made-up session": [
        "sessions.find",
        (n, peer) =>
          service().request("/logout", {
            method: "POST",
            headers: { ...cookie(guess(n)), ...peer, origin: service().publicUrl },
          }),
      ],
      "collecting with a made-up secret": [
        "dischargeRequests.find",
        (n, peer) =>
          service().send("POST", `/v1/discharge/${REQUEST}/collect`, { secret: guess(n) }, { ...peer }),
      ],
      "waiting with a made-up secret": [
        "dischargeRequests.find",
        (n, peer) => service().get(`/wait-token?did=${REQUEST}.${guess(n)}`, peer),
      ],
    } satisfies Record<
      string,
      [string, (n: number, peer: Record<string, string>) => Promise<{ readonly status: number }>]
    >;

    test.each(Object.entries(WAYS))("%s ends at 429", async (name, [operation, ask]) => {
      const peer = from(`192.0.2.${1 + Object.keys(WAYS).indexOf(name)}`);
      const { calls } = service().watched;
      const begin = calls.length;
      // All at once: allowances fill up again as time goes by.
      const answers = await Promise.all(Array.from({ length: MANY }, (_, n) => ask(n, peer)));
      const refused = answers.filter(({ status }) => status === 429).length;
      expect(refused).toBeGreaterThan(0);
      const looks = calls.slice(begin).filter((call) => call === operation).length;
      expect(looks).toBe(MANY - refused);
    });

    test("keep nobody out who is signed in at the same address", async () => {
      const session = await people.login(service().request, "bob");
      const peer = from("198.51.100.1");
      const guesses = Array.from({ length: MANY }, (_, n) =>
        service().get("/", { ...cookie(guess(n)), ...peer }),
      );
      const own = service().get("/v1/approvals", { ...session, ...peer });
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses).toContain(429);
      expect((await own).status).toBe(200);
      expect(
        (await service().request("/logout", { method: "POST", headers: { ...session, ...peer } })).status,
      ).toBe(303);
    });

    test("keep nobody out on a replica that has not seen the session", async () => {
      const session = await people.login(service().request, "carol");
      const replica = service().replica({ relyingParty: people.relyingParty });
      await replica.start();
      const peer = from("198.51.100.2");
      const guesses = await Promise.all(
        Array.from({ length: MANY }, (_, n) => replica.get("/", { ...cookie(guess(n)), ...peer })),
      );
      expect(guesses.map(({ status }) => status)).toContain(429);
      expect((await replica.get("/v1/approvals", { ...session, ...peer })).status).toBe(200);
    });
  },
  { relyingParty: people.relyingParty },
);
