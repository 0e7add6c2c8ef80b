/** Attributes of the service: the one form of each that is known, and its neighbours, which are not. */
import { describe, expect, test } from "vitest";

import { parseCaveat } from "../../src/caveats/parse.ts";

const LINK = "AAECAwQFBgcICQoLDA0ODw";
/** The thumbprint of RFC 7638 §3.1. */
const KEY = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

describe("a service attribute is known in its one form", () => {
  test.each<[string, object]>([
    ["time < 2026-12-01T00:00:00Z", { kind: "time", operator: "<" }],
    ["time > 2026-12-01T00:00:00Z", { kind: "time", operator: ">" }],
    ["agent = a", { kind: "agent", name: "a", instance: undefined }],
    ["agent = a#1", { kind: "agent", name: "a", instance: "1" }],
    ["depth <= 0", { kind: "depth", most: 0 }],
    ["depth <= 999999999", { kind: "depth", most: 999_999_999 }],
    ["uses <= 0", { kind: "uses", most: 0 }],
    ["uses <= 999999999999999", { kind: "uses", most: 999_999_999_999_999 }],
    ["spend.EUR <= 40.50", { kind: "spend", unit: "EUR", most: { integer: "40", fraction: "5" } }],
    ["spend.gpu-s_2 <= 0", { kind: "spend", unit: "gpu-s_2", most: { integer: "", fraction: "" } }],
    [`spend.t <= 0.${"1".repeat(40)}`, { kind: "spend", most: { integer: "", fraction: "1".repeat(40) } }],
    ["rate <= 5/s", { kind: "rate", most: 5, window: "s" }],
    ["rate <= 0/d", { kind: "rate", most: 0, window: "d" }],
    [`holder = ${KEY}`, { kind: "holder", thumbprint: KEY }],
    [`ancestor = ${LINK}`, { kind: "ancestor", revocationId: LINK }],
    ["approval = a1", { kind: "approval", id: "a1" }],
    ["bh.discharge = d1", { kind: "discharge_id", id: "d1" }],
  ])("%s", (text, caveat) => expect(parseCaveat(text)).toMatchObject(caveat));

  test.each([
    ...["=", "!=", "<=", ">=", "in", "not in", "matches"].map(
      (operator) => `time ${operator} 2026-12-01T00:00:00Z`,
    ),
    "time < 5",
    "time < 2026-12-01",
    ...["!=", "<", "<=", "in", "not in", "matches", "within"].map((operator) => `agent ${operator} a`),
    "agent = a b",
    "agent = a#",
    "agent = #1",
    "agent = a#1#2",
    `agent = ${"a".repeat(129)}`,
    ...["=", "!=", "<", ">", ">=", "in", "matches"].map((operator) => `depth ${operator} 1`),
    "depth <= -1",
    "depth <= 01",
    "depth <= 1.0",
    "depth <= 1e1",
    "depth <= x",
    "depth <= 1000000000",
    ...["=", "!=", "<", ">", ">=", "in", "not in", "matches"].flatMap((operator) => [
      `uses ${operator} 3`,
      `spend.EUR ${operator} 3`,
      `rate ${operator} 3/m`,
    ]),
    ...["-1", "1.5", "1e3", "01", "", "x", "3/m", "1000000000000000"].map((value) => `uses <= ${value}`),
    ...["-1", "-0.1", "01", ".5", "1.", "x", `1.${"1".repeat(40)}`].map((value) => `spend.EUR <= ${value}`),
    ...["5", "5/", "/m", "5/w", "5/2m", "5/M", "-5/m", "1.5/m", "05/m", "5 /m", "5/m "].map(
      (value) => `rate <= ${value}`,
    ),
    "spend <= 5",
    "spend.EUR.cents <= 5",
    "spend.2 <= 5",
    `spend.${"a".repeat(65)} <= 5`,
    ...["!=", "<", "<=", "in", "not in", "matches"].map((operator) => `holder ${operator} ${KEY}`),
    `holder = ${KEY.slice(1)}`,
    `holder = ${KEY}A`,
    `holder = ${KEY}=`,
    // Four bits are carried by the last character: the same bytes have one text.
    `holder = ${KEY.slice(0, -1)}t`,
    `holder = ${KEY.slice(0, -1)}+`,
    `holder = ${KEY}, ${KEY}`,
    `holder = sha256:${KEY}`,
    "holder = x",
    ...["!=", "<", "in", "not in", "matches"].map((operator) => `ancestor ${operator} ${LINK}`),
    `ancestor = ${LINK.slice(1)}`,
    `ancestor = ${LINK}A`,
    `ancestor = ${LINK.slice(0, -1)}x`,
    "ancestor = x",
    ...["!=", "<", "in", "not in", "matches"].map((operator) => `approval ${operator} a1`),
    "approval = a b",
    "approval = a.1",
    'approval = "a"',
    ...["!=", "<", "in", "not in", "matches"].map((operator) => `bh.discharge ${operator} d1`),
    "bh.discharge = a b",
    `bh.discharge = ${"d".repeat(129)}`,
    "bh.discharge.x = d1",
    "bh = d1",
    "bh.x = d1",
    ...[
      "time.x",
      "agent.x",
      "depth.x",
      "uses.x",
      "rate.x",
      "holder",
      "holder.x",
      "ancestor.x",
      "approval.x",
    ].map((attribute) => `${attribute} = a`),
  ])("%s is unknown", (text) => expect(parseCaveat(text)).toBeUndefined());
});
