import foreign from "macaroon";
import { describe, expect, test } from "vitest";
import { decodeBundle, encode, encodeBundle, type Format } from "../../src/macaroon/index.ts";
import { decodeBase64 } from "../../src/macaroon/parts/base64.ts";
import { textOf, VECTORS, vectorsOf } from "../vectors/files.ts";
import { render } from "../vectors/render.ts";
import { decoded, fromHex, fromUtf8, hex, verified, verifyWithEach as verify } from "./support.ts";

test.each(Object.entries(VECTORS))(
  "%s is what its generator writes (node test/vectors/generate.ts)",
  (name, build) => {
    expect(textOf(name)).toBe(render(build()));
  },
);

describe.each(vectorsOf("macaroon.json"))("$name", (vector) => {
  const all = [vector, ...vector.discharges].flatMap(
    ({ tokens }) => Object.entries(tokens) as [Format, string][],
  );

  test.each(all)("%s is read and written back to the letter", (format, token) => {
    const [macaroon] = decoded(token);
    expect(decodeBundle(token)).toMatchObject({ ok: true, format });
    expect(encode(macaroon, format)).toBe(token);
    expect(decoded(new TextEncoder().encode(token))).toEqual([macaroon]);
  });

  test("is the same macaroon in every format", () => {
    for (const { signature, tokens } of [vector, ...vector.discharges]) {
      const [v2] = decoded(tokens.v2 ?? "");
      for (const token of Object.values(tokens)) {
        // v1 cannot say that there is no location; everything else must be equal.
        expect({ location: "", ...decoded(token)[0] }).toEqual({ location: "", ...v2 });
      }
      expect(hex(v2.signature)).toBe(signature);
    }
  });

  test("its bundle verifies, and names every link", () => {
    const [root, ...discharges] = decoded(vector.bundle);
    const macaroon = verified(verify({ root, discharges, rootKey: fromHex(vector.root_key) }));
    expect(hex(macaroon.identifier)).toBe(vector.identifier);
    expect(macaroon.revocationIds.map(({ text }) => text)).toEqual(vector.revocation_ids);
    expect(macaroon.undischarged).toHaveLength(vector.undischarged);
    expect(macaroon.discharges).toMatchObject(
      vector.discharges.map(({ binding }) => ({ state: "good", binding })),
    );
    expect(encodeBundle([root, ...discharges])).toBe(vector.bundle);
  });

  test("js-macaroon comes to the same verdict", () => {
    const check = (condition: string) =>
      vector.predicates.includes(hex(Buffer.from(condition))) ? null : "unmet";
    for (const format of ["v2", "v2-json", "v1-json"] as const) {
      // It reads no v1 binary, and v1 JSON has no way to write bytes that are no text.
      if (vector.tokens[format] === undefined) continue;
      const [root, ...discharges] = [vector, ...vector.discharges].map(({ tokens }) => {
        const token = tokens[format] ?? "";
        return foreign.importMacaroon(format === "v2" ? decodeBase64(token) : JSON.parse(token));
      });
      const run = () => root?.verify(fromHex(vector.root_key), check, discharges);
      expect(hex(root?.signature ?? new Uint8Array())).toBe(vector.signature);
      if (vector.undischarged > 0) expect(run).toThrow("cannot find discharge");
      else if (vector.discharges.some(({ binding }) => binding === "unbound"))
        expect(run).toThrow("signature mismatch");
      else if (
        vector.predicates.some((predicate) => hex(Buffer.from(fromUtf8(fromHex(predicate)))) !== predicate)
      ) {
        // It turns every predicate into text, so one that is none is beyond it.
        expect(run).toThrow();
      } else expect(run).not.toThrow();
    }
  });
});
