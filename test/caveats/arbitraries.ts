import fc from "fast-check";
import type { AttributeCaveat, Caveat, Operator } from "../../src/caveats/caveat.ts";
import { type Block, parseBlock } from "../../src/caveats/values/address.ts";
import { type Decimal, readDecimal } from "../../src/caveats/values/decimal.ts";
import { type Instant, instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../src/json/value.ts";

/** Characters that grammars stumble over, mixed with plain ones. */
const character = fc.constantFrom(..."aZ09 ,\"\\/*.-_#:<>=!'éé́😀\u202e\u00a0\u3000\ufeff\u2028", "e\u0301");
const text = fc.string({ unit: character, minLength: 1, maxLength: 12 });
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,6}$/);
const reserved = [
  "time",
  "agent",
  "depth",
  "uses",
  "spend",
  "rate",
  "holder",
  "aud",
  "client",
  "ancestor",
  "approval",
  "bh",
  "time-before",
];
const attribute = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .filter((names) => !reserved.includes(names[0] ?? ""))
  .map((names) => names.join("."));

const noEdgeSpace = text.map((value) => value.trim()).filter((value) => value !== "");

/** A decimal's text in the grammar of JSON, at most 40 digits in plain notation. */
export const decimalText = fc
  .record({
    sign: fc.constantFrom("", "-"),
    integer: fc.oneof(fc.constant("0"), fc.stringMatching(/^[1-9][0-9]{0,14}$/)),
    fraction: fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,12}$/)),
    exponent: fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?[0-9]$/)),
  })
  .map(({ sign, integer, fraction, exponent }) => `${sign}${integer}${fraction}${exponent}`);

const decimal: fc.Arbitrary<Decimal> = decimalText.map((value) => {
  const reading = readDecimal(value);
  if (reading === undefined || reading === "too_long") throw new Error(`not a decimal: ${value}`);
  return reading;
});

/** Instants of the years 0000–9999 with fractions of up to twelve digits. */
export const instant: fc.Arbitrary<Instant> = fc
  .tuple(
    fc.integer({
      min: Date.parse("0000-01-01T00:00:00Z") / 1000,
      max: Date.parse("9999-12-31T23:59:59Z") / 1000,
    }),
    fc.stringMatching(/^(?:|[0-9]{0,11}[1-9])$/),
  )
  .map(([seconds, fraction]) => ({ ...instantFromMilliseconds(seconds * 1000), fraction }));

export const ipv4Text = fc.ipV4();
/** Without the deprecated `::1.2.3.4`: ipaddr.js reads it as a mapped address, others as IPv6; ours refuses it. */
export const ipv6Text = fc.ipV6().filter((text) => !/^::\d+\./.test(text));

const block: fc.Arbitrary<Block> = fc
  .oneof(
    fc.tuple(ipv4Text, fc.integer({ min: 0, max: 32 })),
    fc.tuple(ipv6Text, fc.integer({ min: 0, max: 128 })),
  )
  .map(([address, prefix]) => {
    const parsed = parseBlock(`${address}/${prefix}`);
    if (parsed === undefined) throw new Error(`not a block: ${address}/${prefix}`);
    return parsed;
  });

const agentName = fc.stringMatching(/^[A-Za-z0-9._:/@-]{1,12}$/);

/** A record with the prototype of a literal, so that strict equality has nothing to object to. */
function node<T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

/** Behind `when` an operator makes the text a test of an attribute of that name, or nothing. */
const guarded = attribute.filter((path) => !["in", "not", "matches", "within"].includes(path));

const equality = {
  kind: fc.constant("equality" as const),
  attribute,
  operator: fc.constantFrom("=" as const, "!=" as const),
  value: noEdgeSpace,
};
const membership = {
  kind: fc.constant("membership" as const),
  attribute,
  operator: fc.constantFrom("in" as const, "not in" as const),
  items: fc.array(text, { minLength: 1, maxLength: 4 }),
};
const comparison = {
  kind: fc.constant("comparison" as const),
  attribute,
  operator: fc.constantFrom("<" as const, "<=" as const, ">" as const, ">=" as const),
  bound: fc.oneof(decimal, instant),
};
const glob = { kind: fc.constant("glob" as const), attribute, pattern: noEdgeSpace };
const network = {
  kind: fc.constant("network" as const),
  attribute,
  blocks: fc.array(block, { minLength: 1, maxLength: 3 }),
};

/** Caveats of each kind, in their one representation. A new kind does not compile without its own. */
const BY_KIND: { readonly [K in Caveat["kind"]]: fc.Arbitrary<Extract<Caveat, { readonly kind: K }>> } = {
  equality: node(equality),
  membership: node(membership),
  comparison: node(comparison),
  glob: node(glob),
  network: node(network),
  conditional: node({
    kind: fc.constant("conditional" as const),
    unless: fc.oneof(
      node({ ...equality, attribute: guarded, operator: fc.constant("!=" as const), value: text }),
      node({ ...membership, attribute: guarded, operator: fc.constant("not in" as const) }),
    ),
    test: fc.oneof(node(equality), node(membership), node(comparison), node(glob), node(network)),
  }),
  time: node({ kind: fc.constant("time" as const), operator: fc.constantFrom("<", ">"), at: instant }),
  agent: node({
    kind: fc.constant("agent" as const),
    name: agentName,
    instance: fc.option(agentName, { nil: undefined }),
  }),
  depth: node({ kind: fc.constant("depth" as const), most: fc.integer({ min: 0, max: 999_999_999 }) }),
  uses: node({ kind: fc.constant("uses" as const), most: fc.integer({ min: 0, max: 999_999_999_999_999 }) }),
  spend: node({
    kind: fc.constant("spend" as const),
    unit: name,
    most: decimal.filter(({ negative }) => !negative),
  }),
  rate: node({
    kind: fc.constant("rate" as const),
    most: fc.integer({ min: 0, max: 999_999_999_999_999 }),
    window: fc.constantFrom("s", "m", "h", "d"),
  }),
  holder: node({
    kind: fc.constant("holder" as const),
    thumbprint: fc.stringMatching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/),
  }),
  audience: fc.oneof(
    node({
      kind: fc.constant("audience" as const),
      operator: fc.constant("=" as const),
      resources: fc.tuple(noEdgeSpace),
    }),
    node({
      kind: fc.constant("audience" as const),
      operator: fc.constant("in" as const),
      resources: fc.array(text, { minLength: 1, maxLength: 4 }),
    }),
  ),
  client: node({ kind: fc.constant("client" as const), id: fc.stringMatching(/^[\x21-\x7e]{1,20}$/) }),
  ancestor: node({
    kind: fc.constant("ancestor" as const),
    revocationId: fc.stringMatching(/^[A-Za-z0-9_-]{21}[AQgw]$/),
  }),
  approval: node({ kind: fc.constant("approval" as const), id: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/) }),
  discharge_id: node({
    kind: fc.constant("discharge_id" as const),
    id: fc.stringMatching(/^[A-Za-z0-9_-]{1,22}$/),
  }),
};

/** Every caveat that there is. */
export const caveat: fc.Arbitrary<Caveat> = fc.oneof(...Object.values(BY_KIND));

const SMALL_VALUES = [
  "1",
  "1.0",
  "01",
  "a",
  "b",
  "a/b",
  "a/..",
  "true",
  "10.0.0.1",
  "::ffff:10.0.0.1",
  "10.0.0.2",
];
const SMALL_BOUNDS = ["0", "1", "2", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"];
const SMALL_GLOBS = ["a*", "*", "**", "a/**", "a", "b", "1", "a/..", "*b"];
const SMALL_BLOCKS = ["10.0.0.0/8", "10.0.0.1", "10.0.0.2/31", "::/0", "11.0.0.0/8"];

const smallAttribute = fc.constantFrom("x", "x.y", "y");

function small(operators: readonly Operator[], value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(smallAttribute, fc.constantFrom(...operators), value).map((parts) => parts.join(" "));
}

function smallList(items: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...items), { minLength: 1, maxLength }).map((list) => list.join(", "));
}

/** Texts of caveats on attributes over a small world, by kind. */
const SMALL_BY_KIND: Readonly<Record<AttributeCaveat["kind"], fc.Arbitrary<string>>> = {
  equality: small(["=", "!="], fc.constantFrom(...SMALL_VALUES)),
  membership: small(["in", "not in"], smallList(SMALL_VALUES, 3)),
  comparison: small(["<", "<=", ">", ">="], fc.constantFrom(...SMALL_BOUNDS)),
  glob: small(["matches"], fc.constantFrom(...SMALL_GLOBS)),
  network: small(["within"], smallList(SMALL_BLOCKS, 2)),
};

/** Tests of attributes over a small world. */
const smallTest: fc.Arbitrary<string> = fc.oneof(...Object.values(SMALL_BY_KIND));

/** The parts of a conditional caveat over that world: the guard, its opposite, and the test behind `then`. */
export const smallConditional = fc.record({
  attribute: smallAttribute,
  values: fc.array(fc.constantFrom(...SMALL_VALUES), { minLength: 1, maxLength: 3 }),
  test: smallTest,
});

/** Texts of caveats over a small world, so that they often meet, agree and clash. */
export const smallCaveat: fc.Arbitrary<string> = fc.oneof(
  ...Object.values(SMALL_BY_KIND),
  smallConditional.map(({ attribute, values, test }) => `when ${attribute} in ${values} then ${test}`),
  fc.constantFrom(
    "time < 2026-11-20T14:00:00Z",
    "time < 2026-11-20T10:00:00Z",
    "time > 2026-11-20T10:00:00Z",
    "time > 2026-11-20T14:00:00Z",
    "depth <= 0",
    "depth <= 1",
    "agent = a",
    "agent = b#1",
    "uses <= 1",
    "spend.EUR <= 40.00",
    "rate <= 5/m",
    "holder = x",
    "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "aud = https://a.example",
    "aud in https://a.example, https://b.example/mcp",
    "client = app",
    "what is this",
  ),
);

/** Scalars of the same small world. */
export const SMALL_SCALARS: readonly JsonValue[] = [
  ...SMALL_VALUES,
  ...SMALL_BOUNDS,
  "0.5",
  "1.5",
  "2026-06-01T00:00:00Z",
  "a/c",
  "ab",
  "10.9.9.9",
  "10.0.0.3",
  "11.0.0.1",
  "::1",
  "false",
  ...["0", "0.5", "1", "1.0", "1e0", "1.5", "2", "3", "-1"].map((digits) => new JsonNumber(digits)),
  true,
  false,
  null,
];

const smallValue = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...SMALL_SCALARS) },
  fc.array(fc.constantFrom(...SMALL_SCALARS), { maxLength: 3 }),
  fc.constantFrom(...SMALL_SCALARS).map((value): JsonObject => new Map([["y", value]])),
);

/** Contexts of the small world: each attribute may be there, or not. */
export const smallContext: fc.Arbitrary<JsonObject> = fc
  .record({ x: smallValue, y: smallValue }, { requiredKeys: [] })
  .map((members) => new Map(Object.entries(members)));

const jsonText = fc.string({
  unit: fc.oneof(character, fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
});

/** Any JSON value at all, numbers of any size included. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    jsonText,
    fc.constantFrom(
      "x",
      "1e999999999",
      "0x10",
      "-",
      "::",
      "2026-02-30T00:00:00Z",
      "../..",
      "e\u0301".repeat(40),
    ),
    fc
      .stringMatching(/^-?(?:0|[1-9][0-9]{0,60})(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,12})?$/)
      .map((t) => new JsonNumber(t)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(name, jsonText), tie("value")), { maxLength: 4 })
      .map((members) => new Map(members)),
  ),
})).value;

/** Any text: noise, half a caveat, or a caveat with one character changed. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        ...'x . = != < <= > >= in not matches within when then time agent depth uses spend.x rate 1/m , " \\ * / 1 : - Z'.split(
          " ",
        ),
        " ",
      ),
      { maxLength: 9 },
    )
    .map((parts) => parts.join("")),
  fc.tuple(smallCaveat, fc.nat(), character).map(([base, at, added]) => {
    const position = at % (base.length + 1);
    return base.slice(0, position) + added + base.slice(position);
  }),
);
