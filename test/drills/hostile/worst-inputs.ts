import { addThirdPartyCaveat, attenuate, encodeBundle, mint } from "../../../src/macaroon/index.ts";
import { BATCH_QUESTIONS } from "../../../src/words/limits.ts";
import { bound, bundle, createThirdParty, narrow, opened, tickets } from "../../support/service-macaroons.ts";

/** A request that takes as much of a process as its size allows. */
export interface WorstInput {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  /** The credential that is sent along. */
  readonly as: "nobody" | "platform" | "administrator";
  readonly body?: string;
  /** How many of them are sent at once; one unless said. */
  readonly atOnce?: number;
  /** Headers besides those of all: of the request that is the so-manieth. */
  readonly headers?: (index: number) => Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const BATCH = 16 * MIB;

/** As many times a text as fit in a number of characters, and at most `most`. */
function filled(item: string, size: number, separator = ",", most = Number.POSITIVE_INFINITY): string {
  const count = Math.min(most, Math.floor(size / (item.length + separator.length)));
  return Array(count).fill(item).join(separator);
}

/** A root macaroon with 32 discharges, all with as many caveats as fit into 64 KiB. */
function fullBundle(root: string, caveat: string): { token: string; discharges: string[] } {
  const third = createThirdParty("");
  let token = root;
  for (let index = 0; index < 32; index++) token = third.require(token, "");
  const room = 34_000 / 33 / (caveat.length + 4);
  const caveats = Array(Math.min(220, Math.floor(room))).fill(caveat);
  const narrowed = narrow(token, ...caveats);
  const discharges = tickets(token).map((ticket) => bound(narrowed, third.discharge(ticket, ...caveats)));
  return { token: narrowed, discharges };
}

/** A root macaroon whose discharges are each tried under the keys of 32 caveats, and signed by none of them. */
function triedBundle(root: string): { token: string; discharges: string[] } {
  const bytes = (length: number, byte: number) => new Uint8Array(length).fill(byte);
  const ticket = new TextEncoder().encode("t");
  let [token] = opened(root);
  for (let index = 0; index < 32; index++) {
    const caveatKey = bytes(32, index);
    token = addThirdPartyCaveat(token, { location: "", ticket, caveatKey, nonce: bytes(24, index) });
  }
  const discharges = [250, 251].map((byte) => {
    const discharge = mint({ rootKey: bytes(32, byte), identifier: ticket });
    return encodeBundle([attenuate(discharge, Array(220).fill("a"))]);
  });
  return { token: encodeBundle([token]), discharges };
}

/** A token that nobody here signed. */
function foreign(index: number): string {
  const identifier = new TextEncoder().encode(`bh1.${index}`);
  return encodeBundle([attenuate(mint({ rootKey: new Uint8Array(32), identifier, location: "" }), [])]);
}

/**
 * The requests.
 *
 * @param root a good token of the platform `default`
 * @param location of the service, as its tickets name it
 */
export function worstInputs(root: string, location: string): readonly WorstInput[] {
  const post = (
    name: string,
    path: string,
    body: string | object,
    as: WorstInput["as"] = "platform",
  ): WorstInput => ({
    name,
    method: "POST",
    path,
    as,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const verify = (name: string, body: string | object) => post(`verify: ${name}`, "/v1/verify", body);
  const batch = (name: string, items: readonly (string | object)[]) =>
    post(
      `batch: ${name}`,
      "/v1/verify/batch",
      `{"requests":[${items.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(",")}]}`,
    );
  const times = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index));
  const share = Math.floor(BATCH / BATCH_QUESTIONS) - 100;
  const contextOf = (text: string) => `{"token":"a","context":${text}}`;
  const globs = narrow(root, ...times(180, () => `r matches ${"*a".repeat(120)}b`));
  const failing = narrow(root, ...times(250, (index) => `x${index} = a`));
  const folders = times(250, (index) => `when t = q then r matches ${"a".repeat(138)}${index}/**`);
  const accents = "e\u0301".repeat(1_290);
  const everywhere = filled("::/0", 4_040);
  const gated = (count: number) =>
    times(count, (index) => ({
      location,
      condition: `approved-by ${times(32, (name) => `person-${index + 7 * name}`).join()} pay`,
    }));
  const issue = (name: string, more: object, atOnce = 1) => ({
    ...post(`issue: ${name}`, "/v1/tokens", {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      ...more,
    }),
    atOnce,
  });
  const lists = narrow(root, ...times(11, (index) => `x in ${filled(String(index), 3900)}`));
  return [
    verify("a context of 65,000 values", contextOf(`{"a":[${filled('"aaaaaaaaaaaa"', MIB - 1000)}]}`)),
    verify(
      "a context of 60,000 members",
      contextOf(`{${times(60_000, (i) => `"a${i}":"aaaaa"`).join(",")}}`),
    ),
    verify("a string of 1 MiB of escapes", contextOf(`{"a":"${filled("\\n", MIB - 1000, "")}"}`)),
    verify("a string of 1 MiB of unicode escapes", contextOf(`{"a":"${filled("\\u00e9", MIB - 1000, "")}"}`)),
    verify("1 MiB of non-ASCII", contextOf(`{"a":"${filled("é", MIB / 2 - 1000, "")}"}`)),
    verify("a number of 1 MiB", contextOf(`{"a":${filled("1", MIB - 1000, "")}}`)),
    verify("60,000 unknown members", `{${times(60_000, (i) => `"a${i}":"aaaaa"`).join(",")}}`),
    verify(
      "nesting of 500,000",
      contextOf(`{"a":${"[".repeat(MIB / 2 - 1000)}${"]".repeat(MIB / 2 - 1000)}}`),
    ),
    verify("a token of 1 MiB", { token: "A".repeat(MIB - 100), context: {} }),
    verify(
      "60,000 discharges",
      `{"token":"a","context":{},"discharges":[${filled('"aaaaaaaaaaaaaa"', MIB - 1000)}]}`,
    ),
    verify("32 discharges full of caveats", { ...fullBundle(root, "x = 1"), context: { x: 1 } }),
    verify("32 discharges full of nonsense", { ...fullBundle(root, "x"), context: { x: 1 } }),
    batch(
      "32 discharges full of caveats",
      times(200, () => ({ ...fullBundle(root, "x = 1"), context: { x: 1 } })),
    ),
    verify("180 globs over a long text", { token: globs, context: { r: "a".repeat(900_000) } }),
    verify("180 globs over many texts", {
      token: globs,
      context: { r: times(4_000, () => "a".repeat(200)) },
    }),
    verify("long lists", { token: lists, context: { x: times(3_000, (i) => `${i}`) } }),
    verify("250 failing caveats", { token: failing, context: {} }),
    verify("250 folders of one attribute", { token: narrow(root, ...folders), context: { t: "other" } }),
    verify("lists of denied addresses", {
      token: narrow(root, ...times(12, () => `x not in ${filled("::", 3_750)}`)),
      context: { x: "zzz" },
    }),
    verify("13,000 odd addresses under !=", {
      token: narrow(root, "x != q"),
      context: { x: Array(13_000).fill("::ffff:01.02.03.04") },
    }),
    verify(
      "31,000 numbers in 64 KiB under !=",
      `{"token":"${narrow(root, "x != q")}","context":{"x":[${filled("1", 62_000)}]}}`,
    ),
    verify(
      "60,000 numbers under <=",
      `{"token":"${narrow(root, "x <= 5")}","context":{"x":[${filled("1", MIB - 1_000, ",", 60_000)}]}}`,
    ),
    verify("addresses within many blocks", {
      token: narrow(root, `x within ${filled("::1", 3_900)}, ::2`),
      context: { x: Array(2_000).fill("::2") },
    }),
    verify("decomposed accents under not in", {
      token: narrow(root, ...times(11, (index) => `x not in ${accents}${index}`)),
      context: { x: times(20, (index) => `${accents}b${index}`) },
    }),
    verify("discharges that are tried under 32 keys", { ...triedBundle(root), context: {} }),
    batch(
      "a million values",
      times(BATCH_QUESTIONS, () => contextOf(`{"a":[${filled('"aaaaaaaaaaaa"', share - 100)}]}`)),
    ),
    batch(
      "as many values as may be",
      times(BATCH_QUESTIONS, () =>
        contextOf(`{"a":[${filled(`"${"a".repeat(120)}"`, share - 100, ",", 126)}]}`),
      ),
    ),
    batch(
      "contexts nested 100 deep",
      times(BATCH_QUESTIONS, () =>
        contextOf(`{"a":${filled(`${"[".repeat(90)}${"]".repeat(90)}`, share - 100).replace(/^/, "[")}]}`),
      ),
    ),
    batch("one string of 16 MiB", [contextOf(`{"a":"${"a".repeat(BATCH - 1000)}"}`)]),
    batch("one string of 16 MiB of escapes", [contextOf(`{"a":"${"\\n".repeat(BATCH / 2 - 1000)}"}`)]),
    batch(
      "16 MiB of non-ASCII",
      times(BATCH_QUESTIONS, () => contextOf(`{"a":"${"é".repeat(share / 2 - 50)}"}`)),
    ),
    batch("16 MiB of white space", [`${" ".repeat(BATCH - 1000)}{"token":"a","context":{}}`]),
    batch("a number of 16 MiB", [contextOf(`{"a":${"1".repeat(BATCH - 1000)}}`)]),
    batch("nesting of 8,000,000", [
      contextOf(`{"a":${"[".repeat(BATCH / 2 - 1000)}${"]".repeat(BATCH / 2 - 1000)}}`),
    ]),
    batch(
      "flaws without end",
      times(BATCH_QUESTIONS, () => contextOf(`{${filled('"a":0', share - 100)}}`)),
    ),
    batch(
      "items that the schema refuses",
      times(BATCH_QUESTIONS, () => `{${times(1_000, (i) => `"a${i}":"aaaaa"`).join(",")}}`),
    ),
    batch(
      "tokens of 16 KiB",
      times(BATCH_QUESTIONS, (index) => ({
        token: narrow(root, ...times(60, (i) => `x${index} in ${filled(String(i), 100)}`)),
        context: {},
      })),
    ),
    batch(
      "250 failing caveats each",
      times(BATCH_QUESTIONS, () => ({ token: failing, context: {} })),
    ),
    batch(
      "unknown keys",
      times(BATCH_QUESTIONS, (index) => ({ token: foreign(index), context: {} })),
    ),
    post("revoke: 10,000 token ids", "/v1/revocations", {
      targets: times(10_000, (i) => ({
        token_id: `019a8b3c-5d7e-7f10-8a2b-${i.toString(16).padStart(12, "0")}`,
      })),
    }),
    post("revoke: 10,000 agents", "/v1/revocations", {
      targets: times(10_000, (i) => ({
        agent: `a${i}`,
        token_id: `019a8b3c-5d7e-7f10-8a2b-${i.toString(16).padStart(12, "0")}`,
      })),
    }),
    post("revoke: 10,000 people", "/v1/revocations", {
      targets: times(10_000, (i) => ({
        principal: { subject: `s${i}` },
        issued_before: "2026-11-22T13:00:00Z",
      })),
    }),
    post("revoke: 10,000 bad tokens", "/v1/revocations", {
      targets: times(10_000, (i) => ({ token: foreign(i) })),
    }),
    post("revoke: one token 500 times", "/v1/revocations", {
      targets: times(500, () => ({ token: narrow(root, "x = 1") })),
    }),
    post(
      "revoke: 60,000 wrong targets",
      "/v1/revocations",
      `{"targets":[${filled('"aaaaaaaaaaaaaa"', MIB - 1000)}]}`,
    ),
    post(
      "revoke: 9,000 wrong targets",
      "/v1/revocations",
      `{"targets":[${filled("{}", MIB - 1000, ",", 9_000)}]}`,
    ),
    post("issue: 11 caveats of 4 KiB", "/v1/tokens", {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      caveats: times(11, (i) => `x${i} in ${filled("a", 4_000)}`),
    }),
    post("issue: 200 caveats of one attribute", "/v1/tokens", {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      caveats: times(200, (i) => `x != ${String(i).padEnd(100, "0")}`),
    }),
    post("issue: 250 caveats of 4 KiB, refused", "/v1/tokens", {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      caveats: times(250, (i) => `x${i} in ${filled("a", 4_000)}`),
    }),
    issue("conditions with decomposed accents", {
      caveats: [
        ...times(11, (index) => `when a = ${accents}${index} then c = 1`),
        ...times(190, (index) => `a = ${index}`),
      ],
    }),
    issue("conditions that follow from one another", {
      caveats: [...times(240, (index) => `when b${index} = 1 then b${index + 1} = 1`).reverse(), "b0 = 1"],
    }),
    issue("names of 2,000 dots", { caveats: times(11, (index) => `${"a.".repeat(2_000)}x${index} = 1`) }),
    issue("180 long names", {
      caveats: times(
        180,
        (index) => `when ${"a".repeat(110)}${index} = x then ${"b".repeat(110)}${index} = y`,
      ),
    }),
    issue("lists of blocks", {
      caveats: ["a", "b", "c"].flatMap((name) => [
        `${name} within ${everywhere}`,
        `${name} within ${everywhere}`,
      ]),
    }),
    issue("blocks that clash", {
      caveats: [...times(10, () => `a within ${everywhere}`), "a within 1.2.3.4"],
    }),
    issue("values to be escaped", {
      caveats: times(230, (index) => `attr${index} = "é${"\u200b".repeat(36)}${index}`),
    }),
    issue("32 tickets of 32 approvers", { third_party_caveats: gated(32) }),
    issue("300 at once", {}, 300),
    issue("7 heavy ones at once", { caveats: times(11, (i) => `x${i} in ${filled("a", 4_000)}`) }, 7),
    { name: "list: heavy tokens", method: "GET", path: "/v1/tokens?limit=50", as: "platform" },
    {
      ...issue(
        "60 answers of 50 KiB once more",
        { caveats: times(11, (i) => `x${i} in ${filled("a", 3_500)}`) },
        60,
      ),
      headers: (index) => ({ "idempotency-key": `heavy-${index}` }),
    },
    post("issue: 32 third parties", "/v1/tokens", {
      platform: "default",
      on_behalf_of: { subject: "alice" },
      third_party_caveats: times(32, (i) => ({
        location: `https://t${i}.test`,
        condition: "a".repeat(1_000),
        public_key: Buffer.alloc(32, 9).toString("base64"),
      })),
    }),
    {
      ...post(
        "policy: 1,000 rules",
        "/v1/platforms/default/policy",
        { rules: times(1_000, (i) => ({ groups: times(60, (g) => `group-${g}-${i}`), max_ttl: 60 })) },
        "administrator",
      ),
      method: "PUT",
    },
    {
      ...post(
        "policy: caveats",
        "/v1/platforms/default/policy",
        {
          rules: times(70, (i) => ({
            caveats: times(200, (g) => `x${g} in a, b, ${i}, ${filled("c", 50)}`),
            max_ttl: 86_400,
            on_behalf_of: true,
          })),
        },
        "administrator",
      ),
      method: "PUT",
    },
    {
      ...post(
        "policy: caveats that clash",
        "/v1/platforms/default/policy",
        {
          rules: times(4, () => ({
            caveats: times(250, (g) => `x in ${filled(`${g}`, 900)}`),
            max_ttl: 86_400,
            on_behalf_of: true,
          })),
        },
        "administrator",
      ),
      method: "PUT",
    },
    { name: "list: 1,000 tokens", method: "GET", path: "/v1/tokens?limit=1000", as: "platform" },
    { name: "list: the log", method: "GET", path: "/v1/revocations?limit=1000", as: "platform" },
    { name: "list: platforms", method: "GET", path: "/v1/platforms?limit=1000", as: "administrator" },
    post("discharge: 200 KiB of ticket", "/v1/discharge", { caveat_id: "A".repeat(200_000) }, "nobody"),
    post(
      "discharge: a full bundle",
      "/v1/discharge",
      { caveat_id: "AAAA", token: fullBundle(root, "x = 1").token },
      "nobody",
    ),
    post(
      "discharge: 240 folders of one attribute",
      "/v1/discharge",
      { caveat_id: "AAAA", token: narrow(root, ...folders.slice(0, 240)) },
      "nobody",
    ),
    post(
      "revoke: 8 tokens that are tried under 32 keys",
      "/v1/revocations",
      {
        targets: times(8, () => {
          const { token, discharges } = triedBundle(root);
          return { token: bundle(token, ...discharges) };
        }),
      },
      "nobody",
    ),
    post(
      "revoke: 32 bad tokens",
      "/v1/revocations",
      { targets: times(32, (i) => ({ token: foreign(i) })) },
      "nobody",
    ),
    post(
      "revoke: 32 long tokens",
      "/v1/revocations",
      { targets: times(3, () => ({ token: narrow(root, ...times(200, () => `x in ${filled("1", 200)}`)) })) },
      "nobody",
    ),
  ];
}
