import { createHmac, randomBytes } from "node:crypto";

import { expect, test } from "vitest";
import { Secret } from "../../src/domain/keys/secret.ts";
import type { Webhook } from "../../src/domain/ports/webhook.ts";
import { createWebhook } from "../../src/run/webhook.ts";
import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";
const DAY = 86_400_000;

const sent: { readonly id: string; readonly body: string }[] = [];
let takes = true;
let silence: Promise<void> | undefined;
const webhook: Webhook = {
  async send(message) {
    sent.push(message);
    const isTaken = takes;
    await silence;
    return isTaken;
  },
};

describeService(
  "discharge keys and notifications",
  (service) => {
    const publicKey = async (get = service().get) =>
      (await get("/discharge/info")).json<{ PublicKey: string }>().PublicKey;

    async function ticketOf(condition: string) {
      const third_party_caveats = [{ location: LOCATION, condition }];
      const { token } = await service().issue({ third_party_caveats });
      return { token, caveat_id: tickets(token)[0] };
    }

    test("replicas that start together publish keys that each of them opens", async () => {
      const other = service().replica();
      await other.start();
      await publicKey();
      await publicKey(other.get);
      const { caveat_id } = await ticketOf("is-authenticated-user");
      const answer = await other.send("POST", "/v1/discharge", { caveat_id }, service().asHuman("bob"));
      expect(answer.status, answer.text).toBe(200);
    });

    test("a key of age is replaced once every replica can have it; tickets for the old one still open", async () => {
      const before = await publicKey();
      const old = await ticketOf("is-authenticated-user");
      await service().advance(31 * DAY);
      people.advance(31 * DAY);
      await service().maintenance.run();
      expect(service().reports).toEqual([]);
      await service().advance(60_000);
      const after = await publicKey();
      expect(after).not.toBe(before);
      for (const { caveat_id } of [old, await ticketOf("is-authenticated-user")]) {
        const answer = await service().send("POST", "/v1/discharge", { caveat_id }, service().asHuman("bob"));
        expect(answer.status, answer.text).toBe(200);
      }
      // 91 days after it was replaced, no token that asks for it can be alive.
      await service().advance(92 * DAY);
      people.advance(92 * DAY);
      await service().maintenance.run();
      const late = await service().send("POST", "/v1/discharge", { caveat_id: old.caveat_id });
      expect(late.json()).toMatchObject({ code: "ticket_invalid" });
    });

    test("with another master key the stored key does not open, and nothing starts", async () => {
      await publicKey();
      const other = service().replica({ masterKey: new Secret(new Uint8Array(randomBytes(32))) });
      await expect(other.start()).rejects.toMatchObject({ name: "SealingError" });
    });

    test("the webhook is told, again until it takes it, and keeps facts and claims apart", async () => {
      sent.length = 0;
      takes = false;
      const { promise, resolve: speak } = Promise.withResolvers<void>();
      silence = promise;
      const { token, caveat_id } = await ticketOf("approved-by alice Pay 40 EUR");
      const asked = await service().send("POST", "/v1/discharge", { caveat_id, token });
      expect(asked.status, asked.text).toBe(202);
      const { id } = asked.json<{ id: string }>();
      await expect.poll(() => sent.length).toBe(1);
      // The request was answered while the receiver said nothing.
      silence = undefined;
      speak();
      takes = true;
      service().database.shift(6_000);
      await expect.poll(() => sent.length).toBe(2);
      expect(sent[1]?.id).toBe(sent[0]?.id);
      const notice: unknown = JSON.parse(sent[0]?.body ?? "");
      expect(notice).toMatchObject({
        type: "approval.asked",
        data: {
          id,
          url: `${LOCATION}/approvals/${id}`,
          subjects: ["alice"],
          principal: { subject: "alice" },
          unverified: { text: "Pay 40 EUR", agents: [] },
        },
      });
      expect(sent[0]?.body).not.toContain(token);

      const alice = await people.login(service().request, "alice");
      await service().send("POST", `/v1/approvals/${id}`, { decision: "approve" }, alice);
      await expect.poll(() => sent.length).toBe(3);
      expect(JSON.parse(sent[2]?.body ?? "")).toMatchObject({
        type: "approval.decided",
        data: { id, state: "granted" },
      });
    });
  },
  { relyingParty: people.relyingParty, webhook },
);

test("notifications are signed as Standard Webhooks are, and redirects are not followed", async () => {
  const secret = new Uint8Array(randomBytes(32));
  const calls: { readonly url: string; readonly init: RequestInit }[] = [];
  let status = 200;
  const hook = createWebhook({
    url: "https://hooks.test/x",
    secret: new Secret(secret),
    fetch: async (url, init) => {
      calls.push({ url: String(url), init: init ?? {} });
      if (status === 0) throw new TypeError("no such host");
      return new Response(null, { status });
    },
  });
  const message = { id: "019a8b40-0000-7000-8000-000000000001", body: '{"a":1}', at: 1_795_168_800_123 };
  expect(await hook.send(message)).toBe(true);
  const headers = new Headers(calls[0]?.init.headers);
  const mac = createHmac("sha256", secret).update(`${message.id}.1795168800.{"a":1}`).digest("base64");
  expect(headers.get("webhook-id")).toBe(message.id);
  expect(headers.get("webhook-timestamp")).toBe("1795168800");
  expect(headers.get("webhook-signature")).toBe(`v1,${mac}`);
  expect(calls[0]?.init.redirect).toBe("error");
  for (status of [500, 404, 0]) expect(await hook.send(message)).toBe(false);
});

test("a receiver that never answers is given up", async () => {
  const hook = createWebhook({
    url: "https://hooks.test/x",
    secret: new Secret(new Uint8Array(32)),
    patience: 20,
    fetch: (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      }),
  });
  expect(await hook.send({ id: "one", body: "{}", at: 0 })).toBe(false);
});
