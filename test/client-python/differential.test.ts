import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";

import { isForDischarges } from "../../src/caveats/caveat.ts";
import { compileCaveat, shownCaveat } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import * as library from "../../src/client/index.ts";
import {
  attenuate,
  decodeBundle,
  encode,
  encodeBundle,
  type Format,
  mint,
  type UnverifiedMacaroon,
} from "../../src/macaroon/index.ts";
import { addThirdPartyCaveat } from "../../src/macaroon/third-party.ts";
import { PROBLEM_CODES } from "../../src/words/problem-codes.ts";
import { REFUSAL_CODES } from "../../src/words/refusal-codes.ts";
import { anyText, caveat, decimalText, instant, ipv4Text, ipv6Text } from "../caveats/arbitraries.ts";
import { readFaults } from "../caveats/faults.ts";
import { readManual } from "../support/manual.ts";
import { vectorsOf } from "../vectors/files.ts";
import { askPython, hasPython, LIBRARY, type PythonAnswer, type Question, WHERE } from "./python.ts";

const { Token, TokenError } = library;

/*
 * The Python library beside the one in TypeScript: the same questions to both, of which one process in Python answers
 * all. The seed is fixed, so that the counts below are those of every run.
 */
const SEED = 15;
const FORMATS: readonly Format[] = ["v1", "v2", "v1-json", "v2-json"];
const rootKey = new Uint8Array(32).fill(9);
const IDENTIFIER = "bh1.Zk3vQm2xT9aBcDeF.019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081.pW3kD0q9xYb2LmNa.2";
const ROOT = encodeBundle([mint({ rootKey, identifier: IDENTIFIER, location: "https://b.example" })]);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

interface Case {
  readonly name: string;
  readonly question: Question;
  readonly expected: PythonAnswer;
}

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] =>
  fc.sample(arbitrary, { seed: SEED, numRuns });

/** The outcome in the form in which Python tells it. */
function outcome(run: () => unknown): PythonAnswer {
  try {
    return { answer: run() };
  } catch (error) {
    if (error instanceof TokenError) {
      return { code: error.code, detail: error.message.replace("withoutDischarges", "without_discharges") };
    }
    throw error;
  }
}

function told(macaroon: UnverifiedMacaroon) {
  return {
    location: macaroon.location ?? null,
    identifier: hex(macaroon.identifier),
    signature: hex(macaroon.signature),
    caveats: macaroon.unverifiedCaveats.map(({ id, verificationId, location }) => ({
      id: hex(id),
      vid: verificationId === undefined ? null : hex(verificationId),
      location: location ?? null,
    })),
  };
}

function decoding(name: string, token: string): Case {
  const decoded = decodeBundle(token);
  const expected = decoded.ok
    ? { answer: { format: decoded.format, macaroons: decoded.macaroons.map(told) } }
    : { code: decoded.code, detail: decoded.detail };
  return { name, question: { do: "decode", token }, expected };
}

function* vectors(): Iterable<Case> {
  for (const { name, tokens, discharges, bundle } of vectorsOf("macaroon.json")) {
    for (const forms of [tokens, ...discharges.map((discharge) => discharge.tokens)]) {
      for (const [format, token] of Object.entries(forms)) {
        yield decoding(`macaroon.json, ${name}, ${format}`, token);
        yield {
          name: `macaroon.json, ${name}, ${format}, written back`,
          question: { do: "encode", token, format },
          expected: { answer: token },
        };
      }
    }
    yield decoding(`macaroon.json, ${name}, bundle`, bundle);
  }
  for (const { name, macaroons } of vectorsOf("foreign.json")) {
    for (const { tokens } of macaroons) {
      for (const [format, token] of Object.entries(tokens)) {
        yield decoding(`foreign.json, ${name}, ${format}`, token);
      }
    }
  }
  for (const { format, name, token, code, detail } of vectorsOf("malformed.json")) {
    const question = { do: "decode", token };
    yield { name: `malformed.json, ${format}, ${name}`, question, expected: { code, detail } };
  }
  for (const { format, url, url_padded, standard, standard_padded } of vectorsOf("spellings.json")) {
    for (const token of [url, url_padded, standard, standard_padded]) {
      yield decoding(`spellings.json, ${format}`, token);
      const question = { do: "binary", token };
      yield {
        name: `spellings.json, ${format}, as bytes`,
        question,
        expected: { answer: Token.parse(token).encode() },
      };
    }
  }
}

/** Texts in every spelling that the grammar has, and texts that are nearly such. */
function* texts(): Iterable<string> {
  yield* sample(caveat, 300).map(printCaveat);
  yield* sample(anyText, 500);
  yield* sample(decimalText, 60).flatMap((text) => [`x <= ${text}`, `x = ${text}`, `spend.EUR <= ${text}`]);
  yield* sample(fc.tuple(ipv4Text, fc.nat({ max: 33 })), 40).map(([at, bits]) => `ip within ${at}/${bits}`);
  yield* sample(fc.tuple(ipv6Text, fc.nat({ max: 129 })), 60).map(
    ([at, bits]) => `ip within ${at}/${bits}, ${at}`,
  );
  yield* sample(fc.tuple(instant, fc.constantFrom("Z", "z", "+05:30", "-23:59", "+24:00", "")), 60).map(
    ([at, offset]) => `time < ${printCaveat({ kind: "time", operator: "<", at }).slice(7, -1)}${offset}`,
  );
  yield* [
    "uses <= 3",
    "rate <= 3/m",
    "uses <= 0",
    "uses <= 01",
    "rate <= 1/w",
    "rate <= 1000000000000000/d",
    "spend.EUR <= -1",
    "spend.EUR <= -0",
    "spend <= 1",
    "spend.a.b <= 1",
    "aud = https://mcp.example.com/mcp",
    "aud in https://mcp.example.com/mcp, https://b.example",
    "aud in ",
    "aud matches https://**",
    "client = app",
    "client != app",
    "holder = x",
    "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt",
    "holder != NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "bh.discharge = x",
    "bh.other = x",
    "approval = x",
    "time-before 2026-12-01T00:00:00Z",
    "time-before  2026-12-01T00:00:00Z",
    "x within ::1.2.3.4",
    "x within ::ffff:1.2.3.4/104",
    "x within 1::2::3, ::",
    "x within 1.2.3.4/255.255.255.0",
    "x within fe80::1%eth0",
    "x within 01.2.3.4",
    "x < 1e39",
    "x < 1e40",
    "x < 1e-40",
    "x < 1e999999999999999",
    "x < 0e999999999999999",
    `x = ${"e\u0301".repeat(40)}`,
    `x = e${"\u0301".repeat(30)}`,
    `x = e${"\u0301".repeat(31)}`,
    "x = \ud800",
    "x = \ufeff",
    "x = a\ufeff",
    "x = a\u0085",
    'x in "\\u0041", "\\ud83d\\ude00", b',
    'x in "\\ud800"',
    'x in "a\\u0000"',
  ];
}

function* parsing(): Iterable<Case> {
  for (const { text, canonical } of vectorsOf("conditional.json")) {
    const question = { do: "parse", text };
    yield { name: `conditional.json, ${text}`, question, expected: { answer: canonical } };
    yield narrowing(ROOT, [text]);
  }
  for (const text of texts()) {
    const read = parseCaveat(text);
    const expected = { answer: read === undefined ? null : printCaveat(read) };
    yield { name: `parse ${JSON.stringify(text)}`, question: { do: "parse", text }, expected };
  }
}

function narrowing(token: string, caveats: readonly string[]): Case {
  const expected = outcome(() => {
    const narrower = Token.parse(token).attenuate(...caveats);
    return { token: narrower.encode(), revocation_id: narrower.revocationId };
  });
  return {
    name: `attenuate by ${caveats.join("; ")}`,
    question: { do: "attenuate", token, caveats },
    expected,
  };
}

function* narrowings(): Iterable<Case> {
  // What a message may show depends on the version of Unicode, beyond the first plane above all.
  const everywhere = anyText.filter((text) => !/[\u{10000}-\u{10ffff}]/u.test(text));
  const clearable = caveat.filter((one) => !isForDischarges(one) && one.kind !== "client").map(printCaveat);
  for (const chain of sample(fc.array(clearable, { maxLength: 6 }), 200)) {
    yield narrowing(ROOT, chain);
    const token = Token.parse(ROOT)
      .attenuate(...chain)
      .encode();
    for (const format of FORMATS) {
      const written = Token.parse(token).encode(format);
      yield {
        name: `${chain.join("; ")} as ${format}`,
        question: { do: "encode", token, format },
        expected: { answer: written },
      };
    }
    yield inspecting(token);
  }
  for (const chain of sample(
    fc.array(fc.oneof(clearable, everywhere), { minLength: 1, maxLength: 3 }),
    100,
  )) {
    yield narrowing(ROOT, chain);
  }
  for (const { text } of readFaults()) yield narrowing(ROOT, [text]);
  yield narrowing(ROOT, ["approval = x"]);
  yield narrowing(ROOT, ["bh.discharge = x"]);
  yield narrowing(ROOT, [`x = ${"a".repeat(4092)}`]);
  yield narrowing(ROOT, [`x = ${"a".repeat(4093)}`]);
  yield narrowing(
    ROOT,
    Array.from({ length: 257 }, () => "x = 1"),
  );
}

function inspecting(token: string, now = Date.UTC(2026, 10, 22)): Case {
  const seen = Token.parse(token).inspect(now);
  const expected = {
    format: seen.format,
    location: seen.location ?? null,
    agents: seen.agents,
    isExpired: seen.isExpired,
    // Python's years begin with 1.
    expiresAt:
      seen.expiresAt === undefined
        ? null
        : Math.max(seen.expiresAt.getTime(), Date.parse("0001-01-01T00:00:00Z")),
    revocationId: seen.revocationId,
    size: seen.size,
    caveats: seen.caveats.map((one) => [one.text, one.kind, one.agent, one.ticket ?? null]),
    placed: seen.caveats.map(({ placed }) => placed),
    discharges: seen.discharges.map((one) => [one.ticket, one.caveats, one.revocationId]),
    identifier: [
      "Zk3vQm2xT9aBcDeF",
      "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
      "pW3kD0q9xYb2LmNa",
      2,
      seen.identifier?.issuedAt.getTime(),
    ],
  };
  return {
    name: `inspect ${seen.revocationId}`,
    question: { do: "inspect", token, now },
    expected: { answer: expected },
  };
}

/** A token with two third-party caveats, and discharges for them: one to be bound, one with an ancestor. */
function* bundles(): Iterable<Case> {
  const decoded = decodeBundle(ROOT);
  if (!decoded.ok) throw new Error(decoded.detail);
  const caveatKey = new Uint8Array(24).fill(7);
  const nonce = new Uint8Array(24).fill(8);
  const location = "https://third.example";
  let [macaroon] = decoded.macaroons;
  for (const ticket of ["one", "two", "two"]) {
    macaroon = addThirdPartyCaveat(macaroon, { location, ticket, caveatKey, nonce });
  }
  const token = encodeBundle([macaroon]);
  const bare = encode(mint({ rootKey: caveatKey, identifier: "one" }));
  const ancestor = `ancestor = ${Token.parse(ROOT).revocationId}`;
  const tied = encode(attenuate(mint({ rootKey: caveatKey, identifier: "two" }), [ancestor]));
  const texts = [bare, tied];
  for (const chosen of [[], [bare], texts, [...texts, ...texts]]) {
    const whole = Token.parse(token).withDischarges(...chosen);
    yield {
      name: `bundle of ${chosen.length}`,
      question: { do: "bundle", token, discharges: chosen },
      expected: {
        answer: {
          token: whole.encode(),
          undischarged: whole.undischarged().map(({ ticket }) => hex(ticket)),
        },
      },
    };
    yield inspecting(whole.encode());
    yield narrowing(whole.encode(), ["x = 1"]);
  }
  const many = encode(
    attenuate(mint({ rootKey: caveatKey, identifier: "two" }), [ancestor, ...Array(250).fill("uses <= 9")]),
  );
  const counted = Token.parse(token).withDischarges(many).encode();
  for (const count of [6, 7]) yield narrowing(counted, Array(count).fill("rate <= 9/m"));
}

/** Builders by their names in Python, with arguments as JSON can say them. */
const BUILDERS: Readonly<Record<string, (...args: never[]) => string>> = {
  equals: library.equals,
  not_equals: library.notEquals,
  one_of: library.oneOf,
  none_of: library.noneOf,
  less_than: library.lessThan,
  at_most: library.atMost,
  greater_than: library.greaterThan,
  at_least: library.atLeast,
  matches: library.matches,
  within: library.within,
  when: library.when,
  expires_at: library.expiresAt,
  starts_at: library.startsAt,
  agent: library.agent,
  depth: library.depth,
  uses: library.uses,
  spend: library.spend,
  rate: library.rate,
  holder: library.holder,
  "allow.action": library.allow.action,
  "allow.tool": library.allow.tool,
  "allow.resource": library.allow.resource,
  "allow.ip": library.allow.ip,
};

const named = fc.oneof(
  fc.constantFrom("x", "args.amount", "time", "a b", "x = y,", "", "bh.x"),
  fc.string({ maxLength: 4 }),
);
const plain = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom("a,b", " edge ", '"q', "10.0.0.0/8", "::1", "soon"),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: false }),
  fc.constantFrom(1e21, 1e-7, 0.1, -0, 1e40),
);
const moment = fc.oneof(
  fc.constantFrom("2026-12-01T00:00:00+01:00", "soon", "2026-12-01"),
  fc.integer({ min: 0, max: 4e12 }).map((milliseconds) => ({ instant: milliseconds })),
);
const bound = fc.oneof(number, moment);
const ARGUMENTS: Readonly<Record<string, fc.Arbitrary<readonly unknown[]>>> = {
  equals: fc.tuple(named, fc.oneof(plain, number, fc.boolean())),
  not_equals: fc.tuple(named, fc.oneof(plain, number, fc.boolean())),
  one_of: fc
    .tuple(named, fc.array(fc.oneof(plain, number), { maxLength: 3 }))
    .map(([name, values]) => [name, ...values]),
  none_of: fc.tuple(named, fc.array(plain, { maxLength: 3 })).map(([name, values]) => [name, ...values]),
  less_than: fc.tuple(named, bound),
  at_most: fc.tuple(named, bound),
  greater_than: fc.tuple(named, bound),
  at_least: fc.tuple(named, bound),
  matches: fc.tuple(named, plain),
  within: fc.tuple(named, fc.array(plain, { maxLength: 3 })).map(([name, values]) => [name, ...values]),
  when: fc.tuple(
    fc.oneof(named, fc.constantFrom("tool", "when", "in", "not", "within", "bh")),
    fc.oneof(plain, number, fc.boolean(), fc.array(fc.oneof(plain, number), { maxLength: 3 })),
    fc.oneof(plain, caveat.map(printCaveat), fc.constant("args.amount <= 040"), fc.constant("x = 1")),
  ),
  expires_at: fc.tuple(moment),
  starts_at: fc.tuple(moment),
  agent: fc.oneof(fc.tuple(plain), fc.tuple(plain, plain), fc.constant(["a", "b"])),
  depth: fc.tuple(fc.oneof(fc.integer({ min: -2, max: 2e9 }), fc.constant(1.5))),
  uses: fc.tuple(fc.oneof(fc.integer({ min: -2, max: 2e9 }), fc.constant(1.5))),
  spend: fc.tuple(fc.oneof(named, fc.constant("EUR")), fc.oneof(number, plain)),
  rate: fc.tuple(fc.integer({ min: -2, max: 2e9 }), fc.constantFrom("s", "m", "h", "d", "w", "")),
  holder: fc.tuple(fc.oneof(plain, fc.stringMatching(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048x]$/))),
  "allow.action": fc.array(plain, { maxLength: 3 }),
  "allow.tool": fc.array(plain, { maxLength: 3 }),
  "allow.resource": fc.tuple(plain),
  "allow.ip": fc.array(plain, { maxLength: 2 }),
};

function* building(): Iterable<Case> {
  for (const [name, build] of Object.entries(BUILDERS)) {
    for (const args of sample(ARGUMENTS[name] ?? fc.constant([]), 25)) {
      // JSON has no way to say NaN; Python's own tests do.
      if (JSON.stringify(args) !== JSON.stringify(args, (_, v) => (v === null ? "" : v))) continue;
      const here = args.map((arg) =>
        typeof arg === "object" && arg !== null && "instant" in arg
          ? new Date((arg as { instant: number }).instant)
          : arg,
      );
      const expected = outcome(() => {
        const read = parseCaveat(build(...(here as never[])));
        return read === undefined ? null : printCaveat(read);
      });
      yield { name: `${name}(${JSON.stringify(args)})`, question: { do: "build", name, args }, expected };
    }
  }
}

const value = fc.oneof(plain, number, fc.boolean());
const callArgs = fc.dictionary(
  fc.constantFrom("amount", "to", "note", "a b", "x-1"),
  fc.oneof(value, fc.dictionary(fc.constantFrom("iban", "name"), value), fc.constantFrom(null, [], {})),
  { maxKeys: 3 },
);

function* thisCall(): Iterable<Case> {
  for (const [args, tool] of sample(fc.tuple(callArgs, fc.option(plain)), 150)) {
    const expected = outcome(() => library.forThisCall(args, tool ?? undefined));
    const question = { do: "this-call", args, tool };
    yield { name: `for this call ${JSON.stringify(args)}`, question, expected };
  }
}

function* shown(): Iterable<Case> {
  for (const text of [...sample(anyText, 100), "a\u202eb\u00ad\u3164 c", "\u{1f600}".repeat(300), "\ud800"]) {
    yield {
      name: `show ${JSON.stringify(text)}`,
      question: { do: "shown", text },
      expected: { answer: shownCaveat(text) },
    };
  }
  for (const bytes of sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), 30)) {
    const broken = new Uint8Array([0xff, ...bytes]);
    const condition = compileCaveat(broken);
    if (condition.state !== "unknown") throw new Error("a caveat of bytes that are no text");
    const question = { do: "shown-bytes", hex: hex(broken) };
    yield { name: `show ${hex(broken)}`, question, expected: { answer: shownCaveat(condition.text) } };
  }
}

function* words(): Iterable<Case> {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  const answer = { problems: [...PROBLEM_CODES], refusals: [...REFUSAL_CODES], version };
  yield { name: "words", question: { do: "words" }, expected: { answer } };
}

const SETS = { vectors, parsing, narrowings, bundles, building, thisCall, shown, words };

test(`the Python library answers as this one does, in every case${WHERE}`, async () => {
  if (!hasPython()) return;
  const cases = Object.values(SETS).flatMap((make) => [...make()]);
  const answers = await askPython(cases.map(({ question }) => question));
  expect(answers).toHaveLength(cases.length);
  const differing = cases.flatMap(({ name, expected }, index) => {
    const { answer, code, detail } = answers[index] ?? {};
    const got = code === undefined ? { answer } : { code, detail };
    return JSON.stringify(got) === JSON.stringify(expected) ? [] : [{ name, expected, got }];
  });
  expect(differing.slice(0, 20)).toEqual([]);
  // Of a fixed seed: so many that no part of it can have become empty.
  expect(cases.length).toBeGreaterThan(2_500);
  const known = cases.filter(({ question, expected }) => question.do === "parse" && expected.answer !== null);
  expect(known.length).toBeGreaterThan(500);
  expect(
    cases.filter(({ question, expected }) => question.do === "build" && expected.code === undefined).length,
  ).toBeGreaterThan(100);
});

test("every builder of the library has its like in Python, and its like in the tests", () => {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const rows = readManual("src/client/README.md").table("exports");
  const builders = rows.find((names) => names.includes("equals"))?.map(snake) ?? [];
  expect(builders.length).toBeGreaterThan(15);
  const python = readFileSync(join(LIBRARY, "bakehouse/caveats.py"), "utf8");
  expect(builders.filter((name) => !new RegExp(`^(?:def|class) ${name}\\b`, "m").test(python))).toEqual([]);
});
