/** The caveats of one call: all of it that a caveat can say, and an error that names what none can. */
import fc from "fast-check";
import { expect, test } from "vitest";

import type { Facts } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import {
  forThisCall,
  guardTool,
  type Refused,
  TokenError,
  ToolRefusedError,
  type Verifier,
} from "../../src/client/index.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { clearTexts } from "../caveats/texts.ts";

test.each<[object, string | undefined, readonly string[]]>([
  [{ amount: 40, to: "printers" }, "pay", ["tool = pay", "args.amount = 40", "args.to = printers"]],
  [{ amount: 0.1, urgent: false }, undefined, ["args.amount = 0.1", "args.urgent = false"]],
  [{ amount: 1e21 }, undefined, ["args.amount = 1000000000000000000000"]],
  [
    { to: { name: "Dotty & Co", iban: "DE89" } },
    undefined,
    ["args.to.name = Dotty & Co", "args.to.iban = DE89"],
  ],
  [{ note: " edges " }, undefined, ['args.note in " edges "']],
  [{ note: undefined }, "pay", ["tool = pay"]],
])("%j of %s", (args, tool, caveats) => {
  expect(forThisCall(args, tool)).toEqual(caveats);
});

const circle: { self?: object } = {};
circle.self = circle;

test.each<[object, string]>([
  [{ tags: ["a"] }, '"args.tags"'],
  [{ tags: [] }, '"args.tags"'],
  [{ note: null }, '"args.note"'],
  [{ note: "" }, '"args.note"'],
  [{ note: "two\nlines" }, '"args.note"'],
  [{ to: {} }, '"args.to"'],
  [{ to: { at: new Date(0) } }, '"args.to.at"'],
  [{ amount: Number.NaN }, '"args.amount"'],
  [{ amount: 40n }, '"args.amount"'],
  [{ amount: 1e60 }, '"args.amount"'],
  [{ "a.b": 1 }, '"args.a.b"'],
  [{ "a b = 1": 1 }, '"args.a b = 1"'],
  [{ "": 1 }, '"args."'],
  [{ run: () => {} }, '"args.run"'],
  [circle, '"args.self"'],
])("%# is more than a caveat can say, and the error names it", (args, named) => {
  let error: unknown;
  try {
    forThisCall(args);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(TokenError);
  expect(error).toMatchObject({ code: "invalid_caveat", message: expect.stringContaining(named) });
});

test("a call of too many values is refused before it is spelled out", () => {
  const args = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`a${index}`, 1]));
  expect(() => forThisCall(args)).toThrow("more than 256 values");
});

const value = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.boolean());
const argsOf = fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,5}$/), value, {
  minKeys: 1,
  maxKeys: 5,
});

test("whatever it says, the call itself passes, and one with another value does not", () => {
  fc.assert(
    fc.property(argsOf, argsOf, (args, other) => {
      let caveats: readonly string[];
      try {
        caveats = forThisCall(args, "pay");
      } catch (error) {
        if (error instanceof TokenError) return;
        throw error;
      }
      for (const caveat of caveats) expect(compileCaveat(caveat).state).toBe("known");
      const facts = (sent: object): Facts => ({
        now: instantFromMilliseconds(0),
        context: parseJson(JSON.stringify({ tool: "pay", args: sent })) as JsonObject,
        macaroon: "discharge",
      });
      expect(clearTexts(caveats, facts(args)).failures).toEqual([]);
      const changed = { ...args, ...other };
      const same = Object.keys(args).every((name) => String(changed[name]) === String(args[name]));
      if (!same) expect(clearTexts(caveats, facts(changed)).failures.length).toBeGreaterThan(0);
    }),
  );
});

function refusing(code: Refused["code"]): Verifier {
  const refused = {
    allowed: false,
    code,
    detail: "d",
    failures: [],
    undischarged: [],
    sequence: "e-1",
  } as const;
  return { verify: async () => refused };
}

async function refusalOf(code: Refused["code"], args: object): Promise<ToolRefusedError> {
  const tool = guardTool(refusing(code), "pay", () => {});
  const error: unknown = await tool(args, { token: "AgEA" }).catch((thrown: unknown) => thrown);
  if (error instanceof ToolRefusedError) return error;
  throw new Error("not refused");
}

test("a guarded tool says how to ask for the discharge that this very call lacks", async () => {
  const missing = await refusalOf("discharge_missing", { amount: 40, to: "printers" });
  expect(missing.forThisCall()).toEqual(["tool = pay", "args.amount = 40", "args.to = printers"]);
  expect((await refusalOf("caveat_failed", { amount: 40 })).forThisCall()).toEqual([]);
  const unsayable = await refusalOf("discharge_missing", { to: ["a"] });
  expect(() => unsayable.forThisCall()).toThrow('"args.to"');
  expect(JSON.stringify(missing)).not.toContain("printers");
});
