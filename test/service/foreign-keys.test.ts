import { expect, test } from "vitest";

import { describeService } from "../support/service.ts";

/** The same token with another last character: its signature is wrong. */
function spoiled(token: string): string {
  return `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
}

/** The same token under a key id that nobody has. */
function underNobody(token: string, keyId: string): string {
  const bytes = Buffer.from(token, "base64url");
  bytes.write(keyId.split("").reverse().join(""), bytes.indexOf(keyId), "latin1");
  return bytes.toString("base64url");
}

describeService("root keys of other platforms and of nobody", (service) => {
  async function looks(work: () => Promise<unknown>): Promise<number> {
    const { calls } = service().watched;
    const begin = calls.length;
    await work();
    return calls.slice(begin).filter((call) => call === "rootKeys.find").length;
  }

  async function issued() {
    const { token } = await service().issue();
    const { key_id: keyId } = (await service().verify(token)) as unknown as { readonly key_id: string };
    return { token, keyId };
  }

  test("cost a verifying platform the same look-ups, and get the same answer", async () => {
    await service().createPlatform("other");
    const { token, keyId } = await issued();
    const nobody = underNobody(token, keyId);
    const answers: unknown[] = [];
    const ask = async (text: string) => answers.push(await service().verify(text, {}, {}, "other"));
    expect(await looks(() => ask(token))).toBe(1);
    expect(await looks(() => ask(nobody))).toBe(1);
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ code: "unknown_key" });
  });

  test("cost a holder without a credential the same look-ups, and get the same answer", async () => {
    const { token, keyId } = await issued();
    const nobody = underNobody(token, keyId).slice(0, -1);
    const answers: { readonly status: number; readonly text: string }[] = [];
    const revoke = async (text: string) =>
      answers.push(await service().send("POST", "/v1/revocations", { targets: [{ token: text }] }));
    expect(await looks(() => revoke(spoiled(token)))).toBe(1);
    expect(await looks(() => revoke(`${nobody}${token.at(-1)}`))).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(answers[0]?.text).toBe(answers[1]?.text);
  });
});
