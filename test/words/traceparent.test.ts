import { describe, expect, test } from "vitest";

import { readTraceparent, TRACEPARENT, writeTraceparent } from "../../src/words/traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PLACE = `00-${TRACE}-${SPAN}-01`;

test("the header's name", () => expect(TRACEPARENT).toBe("traceparent"));

describe("a traceparent", () => {
  test("is read and written", () => {
    const parent = { traceId: TRACE, spanId: SPAN, sampled: true };
    expect(readTraceparent(PLACE)).toEqual(parent);
    expect(writeTraceparent(parent)).toBe(PLACE);
    expect(writeTraceparent({ ...parent, sampled: false })).toBe(`00-${TRACE}-${SPAN}-00`);
    expect(readTraceparent(`00-${TRACE}-${SPAN}-03`)?.sampled).toBe(true);
    expect(readTraceparent(`00-${TRACE}-${SPAN}-02`)?.sampled).toBe(false);
    expect(readTraceparent(`00-${TRACE}-${SPAN}-10`)?.sampled).toBe(false);
    expect(readTraceparent(`cc-${TRACE}-${SPAN}-01`)).toEqual(parent);
    expect(readTraceparent(`cc-${TRACE}-${SPAN}-01-more`)).toEqual(parent);
  });

  test.each([
    "",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `0-${TRACE}-${SPAN}-01`,
    `g0-${TRACE}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-g${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN.slice(1)}-01`,
    `00-${TRACE}-g${SPAN.slice(1)}-01`,
    `00-${TRACE}-${SPAN}-0g`,
    `cc-${TRACE}-${SPAN}-01more`,
    ` ${PLACE}`,
    `${PLACE}\r\nx: y`,
    `cc-${TRACE}-${SPAN}-01-${"x".repeat(100)}`,
  ])("that is malformed is none: %j", (text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });

  test("has ids that may begin with zeros", () => {
    const [traceId, spanId] = [`${"0".repeat(31)}1`, `${"0".repeat(15)}1`];
    expect(readTraceparent(`00-${traceId}-${spanId}-00`)).toEqual({ traceId, spanId, sampled: false });
  });

  test("has at most 128 characters", () => {
    const longest = `cc-${TRACE}-${SPAN}-01-`.padEnd(128, "x");
    expect(readTraceparent(longest)?.traceId).toBe(TRACE);
    expect(readTraceparent(`${longest}x`)).toBeUndefined();
  });
});
