/** The secret parts of a request open only beside the caveats that people were shown. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";

import { requestSealing } from "../../src/domain/discharge/requests.ts";
import { createSealing } from "../../src/domain/keys/sealing.ts";
import { Secret } from "../../src/domain/keys/secret.ts";
import { systemRandomness } from "../../src/run/system.ts";

const sealing = createSealing({
  masterKey: new Secret(new Uint8Array(randomBytes(32))),
  previous: undefined,
  randomness: systemRandomness,
});
const requests = requestSealing(sealing);
const contents = {
  caveatId: new Uint8Array([1, 2]),
  caveatKey: new Uint8Array([3, 4]),
  login: false,
  dischargeId: "d1",
  named: true,
};

test.each([[[]], [["tool = pay", "args.amount = 40"]]])("%j", (caveats) => {
  const sealed = requests.seal("a", { ...contents, caveats });
  expect(requests.open({ id: "a", sealed, caveats })).toEqual({ ...contents, caveats });
});

test.each<[readonly string[], readonly string[], string]>([
  [["tool = pay", "args.amount = 40"], ["tool = pay"], "not those that were sealed"],
  [["tool = pay"], ["tool = refund"], "not those that were sealed"],
  [["tool = pay"], [], "cannot be read"],
  [[], ["tool = pay"], "cannot be read"],
])("sealed with %j, shown with %j", (caveats, shown, why) => {
  const sealed = requests.seal("a", { ...contents, caveats });
  expect(() => requests.open({ id: "a", sealed, caveats: shown })).toThrow(why);
});

test("what an older version sealed opens, without an id of the discharge", () => {
  const plain = JSON.stringify(["AQI", "AwQ", true]);
  const sealed = sealing.seal(new TextEncoder().encode(plain), "discharge request", "a");
  expect(requests.open({ id: "a", sealed, caveats: [] })).toEqual({
    ...contents,
    login: true,
    dischargeId: null,
    caveats: [],
    named: false,
  });
});
