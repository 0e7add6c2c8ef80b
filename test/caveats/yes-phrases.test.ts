/** Which names, values and units a person reads as the service's own words before a yes: all others are in quotes. */
import { describe, expect, test } from "vitest";

import { allowanceOf } from "../../src/caveats/together/allowance.ts";
import { compiled } from "./texts.ts";

const asked = (...texts: readonly string[]) => allowanceOf([], 0, compiled(texts));

describe("a name that can be read in one way only stands as itself", () => {
  test.each([
    ...["account", "action", "args.amount", "args.currency", "args.to", "email", "ip", "resource", "tool"],
  ])("%s", (name) => {
    expect(asked(`${name} = 1`).what).toEqual([`${name} only 1`]);
    expect(asked(`when ${name} = 1 then ${name} <= 2`).conditional).toEqual([
      `${name} at most 2 if ${name} is 1 (else this limits nothing)`,
    ]);
  });

  test.each(["Action", "args", "args.amounts", "amount", "to", "tool.x", "x.ip", "e-mail"])(
    "but not %s",
    (name) => {
      expect(asked(`${name} = 1`).what).toEqual([`"${name}" only 1`]);
    },
  );
});

describe("a number stands as itself", () => {
  test.each(["0", "40", "-5", "1.50", "-0.001", "9".repeat(40), `${"9".repeat(40)}.${"9".repeat(40)}`])(
    "%s",
    (value) => expect(asked(`args.to = ${value}`).what).toEqual([`args.to only ${value}`]),
  );

  test.each([
    ...["1.", ".5", "+5", "1e3", "1,5", "x1", "1x", "1.5.2", "1.x", "x.1", "--5", "５"],
    ...["9".repeat(41), `1.${"9".repeat(41)}`],
  ])("but not %s", (value) => {
    expect(asked(`args.to = ${value}`).what).toEqual([
      `args.to only "${value === "５" ? "\\u{ff15}" : value}"`,
    ]);
  });
});

test.each(["EUR", "USD", "XXX"])("the unit %s stands as itself", (unit) => {
  expect(asked(`spend.${unit} <= 5`).budgets).toEqual([`at most 5 ${unit} in all`]);
});

test.each(["EURO", "EU", "eur", "EuR", "xEUR", "EURx", "EU1", "tokens"])("the unit %s does not", (unit) => {
  expect(asked(`spend.${unit} <= 5`).budgets).toEqual([`at most 5 "${unit}" in all`]);
});

test("each budget is said once, and all but the uses", () => {
  expect(asked("spend.EUR <= 5", "uses <= 3", "spend.EUR <= 5.0", "rate <= 1/d")).toMatchObject({
    uses: 3,
    budgets: ["at most 5 EUR in all", "at most once a day"],
  });
});
