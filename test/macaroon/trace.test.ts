import { expect, test } from "vitest";

import { bind, defaultHmac, traceVerify, verify } from "../../src/macaroon/index.ts";
import { dischargeFor, hex, KEY, rootWith, utf8, withThirdParty } from "./support.ts";

const root = withThirdParty(rootWith("a = 1"), "t");
const discharges = [bind(root, dischargeFor("t", ["c = 3"]))];

test("the steps of a verification, in order", () => {
  const { steps } = traceVerify({ root, discharges, rootKey: KEY });
  expect(
    steps.map(({ operation, macaroon, caveat, inputs, equal }) => ({
      operation,
      macaroon,
      caveat,
      inputs,
      equal,
    })),
  ).toEqual([
    { operation: "derive", macaroon: "root", inputs: "root key of 8 bytes" },
    { operation: "identifier", macaroon: "root", inputs: "key, identifier of 4 bytes" },
    { operation: "first_party", macaroon: "root", caveat: 0, inputs: "tail 0, predicate of 5 bytes" },
    {
      operation: "third_party",
      macaroon: "root",
      caveat: 1,
      inputs: "tail 1, verification id of 72 bytes, ticket of 1 bytes",
    },
    { operation: "compare", macaroon: "root", inputs: "signature, last tail", equal: true },
    { operation: "unseal", macaroon: "root", caveat: 1, inputs: "tail 1, verification id of 72 bytes" },
    { operation: "identifier", macaroon: 0, inputs: "key, identifier of 1 bytes" },
    { operation: "first_party", macaroon: 0, caveat: 0, inputs: "tail 0, predicate of 5 bytes" },
    { operation: "bind", macaroon: 0, inputs: "root macaroon's signature, last tail" },
    { operation: "compare", macaroon: 0, inputs: "signature, bound tail", equal: true },
    { operation: "compare", macaroon: 0, inputs: "signature, last tail", equal: false },
  ]);
});

test("outputs are the tails, for whoever holds the root key", () => {
  const { steps } = traceVerify({ root, rootKey: KEY });
  const outputs = steps.flatMap(({ macaroon, operation, output }) => {
    return macaroon === "root" && operation !== "derive" && output !== undefined ? [hex(output)] : [];
  });
  expect(outputs).toEqual([rootWith(), rootWith("a = 1"), root].map(({ signature }) => hex(signature)));
});

test("the verdict is that of verify, right or wrong", () => {
  for (const rootKey of [KEY, utf8("another key")]) {
    expect(traceVerify({ root, discharges, rootKey }).verification).toEqual(
      verify({ root, discharges, rootKey }),
    );
  }
  const { verification, steps } = traceVerify({ root, rootKey: utf8("another key") });
  expect(verification).toEqual({ ok: false, code: "bad_signature" });
  expect(steps.at(-1)).toMatchObject({ operation: "compare", equal: false });
});

test("a verification id that does not open has no output", () => {
  const verificationId = new Uint8Array(72);
  const inner = [verificationId, utf8("t")].map((part) =>
    Buffer.from(defaultHmac(rootWith().signature, part)),
  );
  const forged = {
    ...rootWith(),
    unverifiedCaveats: [{ id: utf8("t"), verificationId }],
    signature: defaultHmac(rootWith().signature, Uint8Array.from(Buffer.concat(inner))),
  };
  const { steps } = traceVerify({ root: forged, discharges: [dischargeFor("t")], rootKey: KEY });
  expect(steps.at(-1)).toEqual({
    operation: "unseal",
    macaroon: "root",
    caveat: 0,
    inputs: "tail 0, verification id of 72 bytes",
  });
});
