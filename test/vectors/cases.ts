/**
 * What the vectors are made of: each case names its keys by labels, so that a reader can see at a glance that
 * none of them was ever a secret.
 */

/** A third-party caveat, and how it is discharged. */
export interface ThirdPartyCase {
  readonly location: string;
  readonly ticket: string;
  readonly key: string;
  readonly discharge?: {
    readonly location: string;
    readonly caveats: readonly CaveatCase[];
    /** Left unbound where false. */
    readonly bound: boolean;
  };
}

/** A predicate as text, a predicate as hex, or a third-party caveat. */
export type CaveatCase = string | { readonly hex: string } | ThirdPartyCase;

/** One root macaroon. */
export interface MacaroonCase {
  readonly name: string;
  readonly key: string;
  readonly identifier: string;
  readonly location?: string;
  readonly caveats: readonly CaveatCase[];
}

const approval = (bound: boolean, caveats: readonly CaveatCase[] = []): ThirdPartyCase => ({
  location: "https://approvals.example/",
  ticket: "ticket one",
  key: "caveat key one",
  discharge: { location: "https://approvals.example/", caveats, bound },
});

/** The cases, from the plainest on. */
export const CASES: readonly MacaroonCase[] = [
  { name: "bare", key: "root", identifier: "id", location: "https://tokens.example", caveats: [] },
  { name: "without location", key: "root", identifier: "id", caveats: [] },
  { name: "with an empty location", key: "root", identifier: "id", location: "", caveats: [] },
  {
    name: "delegated through five agents",
    key: "root",
    identifier: "bh1.k1.0198f2a0-0000-7000-8000-000000000001.p1.2",
    location: "https://tokens.example",
    caveats: [
      "time < 2026-12-01T00:00:00Z",
      "action in read, list",
      "agent = planner#a1",
      "agent = searcher#b2",
      "resource matches repo:acme/**",
      "agent = reader#c3",
      "agent = summariser#d4",
      "agent = writer#e5",
    ],
  },
  {
    name: "text beyond ASCII",
    key: "ключ",
    identifier: "id é",
    location: "https://é.example/ü",
    caveats: ["nom = Zoë 😀"],
  },
  {
    name: "characters that JSON escapes",
    key: "root",
    identifier: 'a"b\\c/d',
    location: "<&>",
    caveats: ["x < 1\n\t\u2028"],
  },
  {
    name: "bytes that are no text",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: [{ hex: "ff00fe" }, { hex: "" }, { hex: "0a" }],
  },
  { name: "a NUL in an id", key: "root", identifier: "id\u0000", location: "l", caveats: [{ hex: "0300" }] },
  {
    name: "a long caveat",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: [`x in ${"0123456789,".repeat(100)}end`],
  },
  { name: "two equal caveats", key: "root", identifier: "id", location: "l", caveats: ["a = 1", "a = 1"] },
  {
    name: "third party without discharge",
    key: "root",
    identifier: "id",
    location: "https://tokens.example",
    caveats: [
      "a = 1",
      { location: "https://approvals.example/", ticket: "ticket", key: "caveat key" },
      "b = 2",
    ],
  },
  {
    name: "third party with a bound discharge",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: ["a = 1", approval(true, ["time < 2026-12-01T00:00:00Z"])],
  },
  {
    name: "third party with an unbound discharge",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: [approval(false)],
  },
  {
    name: "nested discharges",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: [
      approval(true, [
        "c = 3",
        {
          location: "https://people.example/",
          ticket: "ticket two",
          key: "caveat key two",
          discharge: { location: "https://people.example/", caveats: ["d = 4"], bound: true },
        },
      ]),
      "e = 5",
    ],
  },
  {
    name: "third party without a location text",
    key: "root",
    identifier: "id",
    location: "l",
    caveats: [
      {
        location: "",
        ticket: "ticket",
        key: "caveat key",
        discharge: { location: "", caveats: [], bound: true },
      },
    ],
  },
];
