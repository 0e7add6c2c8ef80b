import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { HttpError } from "../../src/http/parts/problem.ts";
import {
  anyTextOf,
  type FormRules,
  OAUTH_FORM,
  PAGE_FORM,
  parseForm,
  readForm,
  textOf,
} from "../../src/http/request/form.ts";

const FORM = "application/x-www-form-urlencoded";
const utf8 = new TextEncoder();

function post(body: string | Uint8Array<ArrayBuffer> | null, headers: Readonly<Record<string, string>> = {}) {
  return new Request("http://127.0.0.1/", { method: "POST", headers, body });
}

/** The code of the refusal; undefined if the form was read. */
async function refusalOf(request: Request, rules: FormRules): Promise<string | undefined> {
  try {
    await readForm(request, rules);
    return undefined;
  } catch (error) {
    if (error instanceof DomainError || error instanceof HttpError) return error.code;
    throw error;
  }
}

describe("parameters", () => {
  const name = fc.string({ unit: "grapheme", maxLength: 8 });
  const value = fc.string({ unit: "grapheme", maxLength: 20 });

  test("are those that URLSearchParams reads", () => {
    const fields = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 6 });
    fc.assert(
      fc.property(fields, (pairs) => {
        const text = new URLSearchParams([...pairs]).toString();
        const read = [...parseForm(text)].map(([key, bytes]) => [key, new TextDecoder().decode(bytes)]);
        expect(read).toEqual([...new URLSearchParams(text)]);
      }),
    );
  });

  test("are those that URLSearchParams reads from any text of a query", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "=",
      "&",
      "%",
      "%4",
      "%41",
      "%zz",
      "+",
      "1",
      "%25",
      "==",
      "&&",
      "%+1",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const expected = [...new URLSearchParams(text)];
        fc.pre(new Set(expected.map(([key]) => key)).size === expected.length);
        const read = [...parseForm(text)].map(([key, bytes]) => [key, new TextDecoder().decode(bytes)]);
        expect(read).toEqual(expected);
      }),
    );
  });

  test("hold any byte, percent-encoded or as it is", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const encoded = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    expect(parseForm(`id=${encoded}`).get("id")).toEqual(bytes);
    // `&`, `%` and `+` mean something else in a form.
    const plain = bytes.filter((byte) => !"&%+".includes(String.fromCharCode(byte)));
    expect(parseForm(Uint8Array.of(...utf8.encode("id="), ...plain)).get("id")).toEqual(plain);
  });

  test("that are repeated are refused, without their name", () => {
    for (const text of ["a=1&a=2", "a=1&%61=2", "a&a"]) {
      expect(() => parseForm(text)).toThrow(new DomainError("invalid_request", "a parameter is repeated"));
    }
  });

  test("that are no UTF-8 are no text, or text with marks", () => {
    const form = parseForm("good=%C3%A9&bad=%ff");
    expect([textOf(form, "good"), anyTextOf(form, "good")]).toEqual(["é", "é"]);
    expect([textOf(form, "bad"), anyTextOf(form, "bad")]).toEqual([undefined, "\ufffd"]);
    expect([textOf(form, "none"), anyTextOf(form, "none")]).toEqual([undefined, undefined]);
  });
});

describe("bodies", () => {
  const RULES = [
    ["any", PAGE_FORM],
    ["OAuth's", OAUTH_FORM],
  ] as const;

  test.each(RULES)("%s forms are read to their limit and no further, announced or not", async (_, rules) => {
    const whole = `a=${"x".repeat(rules.maxBytes - 2)}`;
    const type = { "content-type": FORM };
    const chunked = (text: string) =>
      new Request("http://127.0.0.1/", {
        method: "POST",
        headers: type,
        body: new Blob([text]).stream(),
        duplex: "half",
      } as RequestInit);
    const announced = (text: string) => post(text, { ...type, "content-length": String(text.length) });
    for (const send of [chunked, announced]) {
      expect((await readForm(send(whole), rules)).get("a")).toHaveLength(rules.maxBytes - 2);
      expect(await refusalOf(send(`${whole}x`), rules)).toBe("payload_too_large");
    }
  });

  test("any form may name any media type, or none, and be empty", async () => {
    expect([...(await readForm(post(null), PAGE_FORM))]).toEqual([]);
    const request = post(utf8.encode("a=1"), { "content-type": "text/plain" });
    expect(textOf(await readForm(request, PAGE_FORM), "a")).toBe("1");
    expect(textOf(await readForm(post(utf8.encode("a=1")), PAGE_FORM), "a")).toBe("1");
  });

  test.each([
    ["no media type", {}, "a=1", "unsupported_media_type"],
    ["another one", { "content-type": "application/json" }, "a=1", "unsupported_media_type"],
    ["another charset", { "content-type": `${FORM}; charset=latin1` }, "a=1", "unsupported_media_type"],
    ["compression", { "content-type": FORM, "content-encoding": "gzip" }, "a=1", "unsupported_media_type"],
    ["bytes that are no UTF-8", { "content-type": FORM }, Uint8Array.of(0x61, 0x3d, 0xff), "invalid_request"],
    ["a repeated parameter", { "content-type": FORM }, "a=1&a=1", "invalid_request"],
    ["nothing wrong", { "content-type": `${FORM};charset=utf-8` }, "a=1", undefined],
  ])("OAuth's form with %s", async (_, headers, body, code) => {
    const bytes = typeof body === "string" ? utf8.encode(body) : body;
    expect(await refusalOf(post(bytes, headers), OAUTH_FORM)).toBe(code);
  });
});
