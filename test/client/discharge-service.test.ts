import { afterAll, beforeAll, expect, test } from "vitest";

import { createBakehouse, dischargeToken, type PendingDischarge, Token } from "../../src/client/index.ts";
import { startTestService, type TestService } from "../support/service.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ kind: "pglite" });
});

afterAll(async () => {
  await service.close();
});

async function inProcess(url: string, init: RequestInit): Promise<Response> {
  const { pathname, search } = new URL(url);
  const answer = await service.request(`${pathname}${search}`, init);
  return new Response(answer.text, { status: answer.status, headers: answer.headers });
}

const credentialOf = (headers: Readonly<Record<string, string>>) => headers["authorization"]?.slice(7) ?? "";
const client = (credential: string) =>
  createBakehouse({ url: service.publicUrl, credential, fetch: inProcess });

async function issued(condition: string): Promise<Token> {
  const { token } = await client(credentialOf(service.asHuman("alice"))).issue({
    platform: "default",
    third_party_caveats: [{ location: service.publicUrl, condition }],
  });
  return Token.parse(token);
}

test("[pglite] the client has a token discharged for the person that it is for, and verify allows it", async () => {
  const token = await issued("is-principal");
  const platform = client(credentialOf(service.asPlatform()));
  expect(await platform.verify({ token: token.encode(), context: {} })).toMatchObject({
    allowed: false,
    code: "discharge_missing",
    undischarged: [{ location: service.publicUrl }],
  });
  const discharged = await dischargeToken(token, {
    allow: [service.publicUrl],
    showTokenTo: [service.publicUrl],
    credentials: { [service.publicUrl]: credentialOf(service.asHuman("alice")) },
    fetch: inProcess,
  });
  expect(await platform.verify({ token: discharged.encode(), context: {} })).toMatchObject({ allowed: true });
});

test("[pglite] the client asks for an approval, says where a person must act, and withdraws it where it stops waiting", async () => {
  const token = await issued("approved-by alice Pay 40 EUR to the printers");
  const stop = new AbortController();
  const shown: Omit<PendingDischarge, "secret">[] = [];
  const asked = dischargeToken(token, {
    allow: [service.publicUrl],
    showTokenTo: [service.publicUrl],
    fetch: inProcess,
    signal: stop.signal,
    interact(pending) {
      shown.push(pending);
      stop.abort();
    },
  });
  await expect(asked).rejects.toMatchObject({ name: expect.any(String) });
  const [pending] = shown;
  expect(pending).toMatchObject({
    user_url: expect.stringContaining(service.publicUrl),
    user_code: expect.any(String),
  });

  const alice = client(credentialOf(service.asHuman("alice")));
  const { items } = await alice.approvals.list();
  expect(items).toMatchObject([
    {
      id: pending?.id,
      state: "withdrawn",
      user_code: pending?.user_code,
      unverified: { text: "Pay 40 EUR to the printers" },
      token: { platform: "default", principal: { subject: "alice" } },
    },
  ]);
  const bob = client(credentialOf(service.asHuman("bob")));
  expect((await bob.approvals.list()).items).toEqual([]);
});
