/** A request for a discharge ends with the token that it is for. */
import { expect, test } from "vitest";

import { describeService, type Problem } from "../support/service.ts";
import { type Person, stubRelyingParty } from "../support/service-login.ts";
import { linkOf, narrow, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
type Headers = Readonly<Record<string, string>>;

interface Waiting {
  readonly id: string;
  readonly secret: string;
}

describeService(
  "a request for a token that was revoked",
  (service) => {
    let asks = 0;
    const login = (person: Person | string) => people.login(service().request, person);

    /** A token that was narrowed twice, and a request for it that waits. */
    async function asked(condition = "approved-by bob Pay") {
      const owner = `owner ${++asks}`;
      const third_party_caveats = [{ location: LOCATION, condition }];
      const issued = await service().issue({ third_party_caveats }, owner);
      const middle = narrow(issued.token, "agent = middle#1");
      const token = narrow(middle, "action = pay");
      const body = { caveat_id: tickets(token)[0], token };
      const answer = await service().send("POST", "/v1/discharge", body);
      expect(answer.status, answer.text).toBe(202);
      return { issued, owner, middle, ...answer.json<Waiting & Record<string, unknown>>() };
    }
    type Request = Awaited<ReturnType<typeof asked>>;

    const listed = async (session: Headers, query = "") =>
      (await service().get(`/v1/approvals?limit=100${query}`, session)).json<{
        items: readonly { readonly id: string; readonly state: string }[];
      }>().items;
    const collect = ({ id, secret }: Waiting) =>
      service().send("POST", `/v1/discharge/${id}/collect`, { secret });

    test.each([
      ["by its id", ({ issued }: Request) => ({ token_id: issued.token_id })],
      ["by a link above the shown one", ({ middle }: Request) => ({ revocation_id: linkOf(middle) })],
      ["with its person", ({ owner }: Request) => ({ principal: { subject: owner } })],
      ["with its agent", () => ({ agent: "middle" })],
    ] as const)("%s is shown as over, and is answered by nobody", async (_, targetOf) => {
      const request = await asked();
      const bob = await login("bob");
      expect((await listed(bob, "&state=pending")).map(({ id }) => id)).toContain(request.id);
      await service().revoke([targetOf(request)], service().asAdmin());

      expect((await listed(bob, "&state=pending")).map(({ id }) => id)).not.toContain(request.id);
      expect((await listed(bob)).find(({ id }) => id === request.id)).toMatchObject({ state: "revoked" });
      const page = await service().get(`/approvals/${request.id}`, { ...bob, accept: "text/html" });
      expect(page.text).toContain("the token that this is for has been revoked");
      expect(page.text).not.toContain('value="approve"');
      const decision = { decision: "approve" };
      const said = await service().send("POST", `/v1/approvals/${request.id}`, decision, bob);
      expect(said.status).toBe(410);
      expect(said.json<Problem>().detail).toContain("has been revoked");
      const collected = await collect(request);
      expect(collected.status).toBe(410);
      expect(collected.json<Problem>().detail).toContain("has been revoked");
    });

    test("can't be confirmed by its own person", async () => {
      const request = await asked("is-authenticated-user");
      await service().revoke([{ token_id: request.issued.token_id }], service().asAdmin());
      const path = `/discharges/${request.id}`;
      const anybody = await login("anybody");
      const shown = await service().get(path, { ...anybody, accept: "text/html" });
      expect(shown.text).toContain("has been revoked");
      const body = new URLSearchParams({ decision: "confirm" });
      const said = await service().request(path, { method: "POST", headers: anybody, body });
      expect(said.status).toBe(410);
    });

    test("takes no place of what can be answered once somebody has looked", async () => {
      const request = await asked("approved-by carol Pay");
      await service().revoke([{ token_id: request.issued.token_id }], service().asAdmin());
      const pending = async () => (await service().database.store.dischargeRequests.find(request.id))?.state;
      expect(await pending()).toBe("pending");
      await listed(await login("carol"), "&state=pending");
      expect(await pending()).toBe("dropped");
    });

    test("of another tree is not touched", async () => {
      const [dead, alive] = [await asked("approved-by dora Pay"), await asked("approved-by dora Pay")];
      await service().revoke([{ token_id: dead.issued.token_id }], service().asAdmin());
      const dora = await login("dora");
      expect((await listed(dora, "&state=pending")).map(({ id }) => id)).toEqual([alive.id]);
      const decision = { decision: "approve" };
      const said = await service().send("POST", `/v1/approvals/${alive.id}`, decision, dora);
      expect(said.status, said.text).toBe(200);
      expect((await collect(alive)).status).toBe(200);
    });
  },
  { relyingParty: people.relyingParty },
);
