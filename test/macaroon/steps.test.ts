import { expect, test } from "vitest";

import {
  attenuate,
  bind,
  chainOf,
  defaultHmac,
  defaultSha256,
  verifyInSteps,
} from "../../src/macaroon/index.ts";
import { dischargeFor, KEY, rootWith, utf8, withThirdParty } from "./support.ts";

type Options = Parameters<typeof verifyInSteps>[0];

/** The work that each step says that it was, in links, and the HMACs that it took. */
function workOf(options: Options): readonly (readonly [links: number, hmacs: number])[] {
  let hmacs = 0;
  const hmac = (key: Uint8Array, message: Uint8Array) => {
    hmacs++;
    return defaultHmac(key, message);
  };
  const work: [number, number][] = [];
  const steps = verifyInSteps({ ...options, chain: chainOf(hmac, defaultSha256) });
  for (let step = steps.next(); step.done !== true; step = steps.next()) {
    work.push([step.value, hmacs]);
    hmacs = 0;
  }
  return work;
}

const root = withThirdParty(withThirdParty(rootWith("a = 1"), "t"), "u");
const good = bind(root, dischargeFor("t", ["b = 2", "c = 3"]));

test("a macaroon alone is one step, of as many links as it has", () => {
  expect(workOf({ root: rootWith(), rootKey: KEY })).toEqual([[1, 2]]);
  expect(workOf({ root: attenuate(rootWith(), ["a", "b"]), rootKey: KEY })).toEqual([[3, 4]]);
  expect(workOf({ root, rootKey: utf8("another key") })).toEqual([[4, 9]]);
});

test("a step walks one chain: a key is opened, a discharge is hashed, and the links of a good one are named", () => {
  expect(workOf({ root, discharges: [good], rootKey: KEY })).toEqual([
    [4, 9],
    [8, 0],
    [3, 6],
    [3, 0],
  ]);
});

test("a discharge that nothing asks for is no step, and of a ticket each that is tried is one", () => {
  const forged = [dischargeFor("u", ["x"], "another key"), dischargeFor("u", ["x", "y"], "a third key")];
  const unasked = dischargeFor("v");
  const work = workOf({ root, discharges: [unasked, ...forged], rootKey: KEY }).map(([links]) => links);
  expect(work.toSorted()).toEqual([2, 3, 4, 8]);
  expect(workOf({ root, discharges: [unasked], rootKey: KEY })).toEqual([[4, 9]]);
});
