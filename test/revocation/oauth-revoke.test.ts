import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

describeService("POST /oauth/revoke", (service) => {
  const send = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    service().request("/oauth/revoke", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body,
    });
  const form = (token: string) => new URLSearchParams({ token, token_type_hint: "access_token" }).toString();

  test("revokes the link that is held and what is below it, whoever asks and whatever they send along", async () => {
    const { token } = await service().issue();
    const child = narrow(token, "agent = leaked");
    const answer = await send(form(child), { authorization: "Basic Zm9vOmJhcg==" });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect((await service().verify(child)).allowed).toBe(false);
    expect((await service().verify(token)).allowed).toBe(true);
    expect((await send(form(child))).status).toBe(200);
  });

  test.each([
    ["nonsense", () => "nonsense"],
    ["a token with another signature", (token: string) => `${token.slice(0, -4)}AAAA`],
    ["a JWT", () => "eyJhbGciOiJub25lIn0.e30."],
    ["a huge one", () => "A".repeat(90_000)],
  ])("answers 200 to %s and revokes nothing", async (_, change) => {
    const { token } = await service().issue();
    const { number } = service().knowledge.position();
    expect((await send(form(change(token)))).status).toBe(200);
    expect(service().knowledge.position().number).toBe(number);
    expect((await service().verify(token)).allowed).toBe(true);
  });

  test.each([
    ["no token", "token_type_hint=x", 400],
    ["an empty one", "token=", 400],
    ["two", "token=a&token=b", 400],
    ["bytes that are no text", "token=%ff", 200],
    ["nothing", "", 400],
  ])("refuses %s", async (_, body, status) => {
    expect((await send(body)).status).toBe(status);
  });

  test("is a form and nothing else, and of a sane size", async () => {
    expect((await send('{"token":"x"}', { "content-type": "application/json" })).status).toBe(415);
    expect((await send("token=x", { "content-encoding": "gzip" })).status).toBe(415);
    expect((await send(`token=${"a".repeat(1_100_000)}`)).status).toBe(413);
  });

  test("says 503 where the revocation could not be written, never 200", async () => {
    const { token } = await service().issue();
    service().watched.setDown(true);
    try {
      expect((await send(form(token))).status).toBe(503);
    } finally {
      service().watched.setDown(false);
    }
    expect((await send(form(token))).status).toBe(200);
    expect((await service().verify(token)).allowed).toBe(false);
  });
});
