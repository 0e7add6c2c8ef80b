/** What ends a session ends all that it gave, and a consent covers what was said yes to. */
import { beforeAll, expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { type Client, landed, pkce, player, RESOURCE, type Tokens } from "./flow.ts";

const people = stubRelyingParty();

/** Races, each of which lets one side win or the other. */
const ROUNDS = 12;

describeService(
  "what ends a session",
  (service) => {
    const play = player(service, people);
    const { client, code, redeem, refresh, tokens, query, ask, browser, post } = play;
    let app: Client;
    beforeAll(async () => {
      await play.resource();
      app = await client();
    });

    async function isAlive(token: string): Promise<boolean> {
      const question = { token, resource: RESOURCE, context: { scope: "files:read" } };
      const answer = await service().send("POST", "/v1/verify", question, service().asPlatform());
      return answer.json<{ readonly allowed: boolean }>().allowed;
    }

    test("a refresh at the same time as the session is given back leaves nothing alive", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const before = await tokens(app, { scope: "files:read" });
        const giveBack = () =>
          post("/oauth/revoke", { token: before.refresh_token, client_id: app.client_id });
        const [given, back] =
          round % 2 === 0
            ? await Promise.all([refresh(app, before.refresh_token), giveBack()])
            : (await Promise.all([giveBack(), refresh(app, before.refresh_token)])).toReversed();
        expect(back?.status).toBe(200);
        if (given?.status === 200) expect(await isAlive(given.json<Tokens>().access_token)).toBe(false);
      }
    });

    test("a refresh at the same time as a second use of the code leaves nothing alive", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const used = await code(app, { scope: "files:read" });
        const before = (await redeem(app, used)).json<Tokens>();
        const [given, again] = await Promise.all([refresh(app, before.refresh_token), redeem(app, used)]);
        expect(again.json()).toMatchObject({ error: "invalid_grant" });
        expect(await isAlive(before.access_token)).toBe(false);
        if (given.status === 200) expect(await isAlive(given.json<Tokens>().access_token)).toBe(false);
      }
    });

    test("a consent to some scopes is none to a token that is good for all", async () => {
      await tokens(app, { scope: "files:read" });
      const path = "/v1/platforms/default/resources";
      const listed = (await service().get(path, service().asAdmin())).json<{
        readonly items: readonly {
          readonly id: string;
          readonly resource: string;
          readonly scopes: unknown;
        }[];
      }>();
      const found = listed.items.find(({ resource }) => resource === RESOURCE);
      const { id, created_at, platform, ...rest } = found as unknown as Record<string, unknown>;
      const put = (body: object) => service().send("PUT", `${path}/${String(id)}`, body, service().asAdmin());
      expect((await put({ ...rest, scopes: [] })).status).toBe(200);
      const session = await browser("alice");
      const { challenge } = pkce();
      const page = await ask(query(app.client_id, challenge, { scope: undefined }), session);
      expect(page.status).toBe(200);
      expect((await put(rest)).status).toBe(200);
      const silent = await ask(query(app.client_id, challenge, { scope: "files:read" }), session);
      expect(silent.status).toBe(303);
      expect(landed(silent).searchParams.get("code")).not.toBeNull();
    });
  },
  { relyingParty: people.relyingParty },
);
