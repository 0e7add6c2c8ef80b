import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { expect, test } from "vitest";

import { clientAssertions } from "../../src/oidc/client-assertion.ts";

test.each(["null", "[]", '"text"', "1"])(
  "what a client signed is no assertion if it is %s, with one key that fits and with two",
  async (payload) => {
    const keys = [await generateKeyPair("ES256"), await generateKeyPair("ES256")];
    const jwks = await Promise.all(keys.map(({ publicKey }) => exportJWK(publicKey)));
    const [key] = keys;
    if (key === undefined) throw new Error("no key");
    const sign = (text: string) =>
      new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: "ES256" })
        .sign(key.privateKey);
    for (const set of [jwks.slice(0, 1), jwks]) {
      const document = { keys: set } as unknown as Parameters<typeof clientAssertions.verify>[1];
      expect(await clientAssertions.verify(await sign(payload), document)).toBeUndefined();
      expect(await clientAssertions.verify(await sign('{"iss":"me"}'), document)).toEqual({ iss: "me" });
    }
  },
);
