import { describe, expect, test } from "vitest";
import { encodeUvarint } from "../../src/macaroon/index.ts";
import type { RefusalCode } from "../../src/words/refusal-codes.ts";
import { describeService, type Problem } from "../support/service.ts";
import { bound, createThirdParty, forged, linkOf, narrow, tickets } from "../support/service-macaroons.ts";

/** A token with what is presented beside it. */
interface Presented {
  readonly token: string;
  readonly discharges: readonly string[];
}

const third = createThirdParty();

/** An answer in a batch, of whichever kind. */
interface BatchItem extends Partial<Omit<Problem, "code">> {
  readonly code?: string;
  readonly allowed?: boolean;
}

/** What can be wrong with a good token, in the order in which the first one decides. */
const DEFECTS: readonly { readonly code: RefusalCode; readonly add: (of: Presented) => Presented }[] = [
  { code: "revoked", add: (of) => of }, // by the test, once everything else is added
  {
    code: "expired",
    add: (of) => ({ ...of, token: narrow(of.token, "time < 2020-01-01T00:00:00Z") }),
  },
  {
    code: "discharge_invalid",
    add: (of) => {
      const foreign = third.require(of.token, "c");
      return { ...of, discharges: [...of.discharges, third.discharge(lastTicket(foreign))] };
    },
  },
  { code: "depth_exceeded", add: (of) => ({ ...of, token: narrow(of.token, "depth <= 0", "agent = x") }) },
  { code: "caveat_unknown", add: (of) => ({ ...of, token: narrow(of.token, "uses = 3") }) },
  { code: "caveat_failed", add: (of) => ({ ...of, token: narrow(of.token, "action = write") }) },
  { code: "discharge_missing", add: (of) => ({ ...of, token: third.require(of.token, "c") }) },
  { code: "budget_exhausted", add: (of) => ({ ...of, token: narrow(of.token, "uses <= 0") }) },
];

const PAIRS = DEFECTS.flatMap((first, index) =>
  DEFECTS.slice(index + 1).map((second) => ({ first, second, name: `${first.code} before ${second.code}` })),
);

/** A token with caveats put in behind the encoder's back, over its limits. */
function withRawCaveats(token: string, caveats: readonly string[]): string {
  const bytes = Buffer.from(token, "base64url");
  const end = bytes.length - 35; // end of caveats, then the signature: field 6, 32 bytes
  const packets = caveats.map((caveat) => {
    const id = Buffer.from(caveat, "utf8");
    return Buffer.concat([Buffer.of(2), encodeUvarint(id.length), id, Buffer.of(0)]);
  });
  return Buffer.concat([bytes.subarray(0, end), ...packets, bytes.subarray(end)]).toString("base64url");
}

function lastTicket(token: string): string {
  const ids = tickets(token);
  return ids.at(-1) ?? "";
}

describeService("refusals", (service) => {
  async function ask({ token, discharges }: Presented, context: object = { action: "read" }) {
    const answer = await service().verify(token, context, { discharges });
    if (answer.allowed) throw new Error("allowed");
    return answer;
  }

  describe("every code, with its sentence", () => {
    const nothing = { failures: [], undischarged: [] };

    test.each([
      { text: "", detail: "the token cannot be read: empty" },
      { text: "!", detail: expect.stringMatching(/^the token cannot be read: /) },
      { text: "AAAA", detail: expect.stringMatching(/^the token cannot be read: /) },
    ])("malformed: $text", async ({ text, detail }) => {
      const answer = await ask({ token: text, discharges: [] });
      expect(answer).toMatchObject({ code: "malformed", ...nothing });
      expect(answer.detail).toEqual(
        detail === "the token cannot be read: empty" ? expect.any(String) : detail,
      );
    });

    test("malformed: a discharge", async () => {
      const { token } = await service().issue();
      expect(await ask({ token, discharges: ["!"] })).toMatchObject({
        code: "malformed",
        detail: expect.stringMatching(/^discharge 0 cannot be read: /),
      });
    });

    test("too_large: the text", async () => {
      expect(await ask({ token: "A".repeat(65_537), discharges: [] })).toMatchObject({
        code: "too_large",
        detail: "the token and its discharges exceed 65536 bytes",
        ...nothing,
      });
    });

    test("too_large: token and discharges together", async () => {
      const { token } = await service().issue();
      const discharges = ["A".repeat(40_000), "A".repeat(30_000)];
      expect(await ask({ token, discharges })).toMatchObject({ code: "too_large" });
    });

    test.each([
      { what: "257 caveats", extra: (text: string) => Array<string>(256).fill(text), size: 1 },
      { what: "a caveat of 4,097 bytes", extra: (text: string) => [text], size: 4_097 },
    ])("too_large: $what", async ({ extra, size }) => {
      const { token } = await service().issue();
      const caveats = extra("x".repeat(size));
      expect(await ask({ token: withRawCaveats(token, caveats), discharges: [] })).toMatchObject({
        code: "too_large",
        ...nothing,
      });
    });

    test("too_large: 33 discharges", async () => {
      const { token } = await service().issue();
      const discharges = Array.from({ length: 33 }, () =>
        third.discharge(lastTicket(third.require(token, "c"))),
      );
      expect(await ask({ token, discharges })).toMatchObject({
        code: "too_large",
        detail: "the token and its discharges exceed the limits",
        ...nothing,
      });
    });

    test("unknown_key", async () => {
      await service().createPlatform("elsewhere");
      const { token } = await service().issue({ platform: "elsewhere" });
      expect(await ask({ token, discharges: [] })).toMatchObject({
        code: "unknown_key",
        detail: "no key of this platform signed the token",
        ...nothing,
      });
    });

    test("bad_signature says nothing else, whatever else is wrong", async () => {
      const { token } = await service().issue();
      const bad = forged(third.require(narrow(token, "action = write", "nonsense"), "c"));
      expect(await ask({ token: bad, discharges: [] })).toEqual({
        allowed: false,
        code: "bad_signature",
        detail: "the token's signature is wrong",
        ...nothing,
        sequence: expect.any(String),
      });
    });

    test("revoked", async () => {
      const { token } = await service().issue();
      await service().revoke([{ token }]);
      expect(await ask({ token, discharges: [] })).toMatchObject({
        code: "revoked",
        detail: "the token, or one that it was narrowed from, has been revoked",
      });
    });

    test("expired", async () => {
      const { token } = await service().issue();
      const late = narrow(token, "agent = scraper", "time < 2020-01-01T00:00:00Z");
      expect(await ask({ token: late, discharges: [] })).toMatchObject({
        code: "expired",
        detail: expect.stringMatching(
          /^the token expired at 2020-01-01T00:00:00Z; it is now \S+Z \(since the hand-over to scraper\)$/,
        ),
        failures: [{ index: 2, caveat: "time < 2020-01-01T00:00:00Z", agent: "scraper", code: "expired" }],
      });
    });

    test("depth_exceeded", async () => {
      const { token } = await service().issue({ caveats: ["depth <= 1"] });
      expect(await ask({ token: narrow(token, "agent = a", "agent = b"), discharges: [] })).toMatchObject({
        code: "depth_exceeded",
        detail: "the token was handed on twice after this caveat, the token allows at most 1",
        failures: [{ index: 1, caveat: "depth <= 1", agent: null, code: "depth_exceeded" }],
      });
    });

    test.each([
      { caveat: "nonsense", detail: "the caveat is not one that this service knows" },
      { caveat: "uses = 3", detail: "uses belongs to the service, which does not know this caveat on it" },
      {
        caveat: "holder = AAAA",
        detail: "holder belongs to the service, which does not know this caveat on it",
      },
      { caveat: "ancestor = AAAAAAAAAAAAAAAAAAAAAA", detail: "ancestor is known only in a discharge" },
      { caveat: "approval = x", detail: "approval is known only in a discharge" },
    ])("caveat_unknown: $caveat", async ({ caveat, detail }) => {
      const { token } = await service().issue();
      expect(await ask({ token: narrow(token, caveat), discharges: [] })).toMatchObject({
        code: "caveat_unknown",
        detail,
        failures: [{ caveat, code: "caveat_unknown", detail }],
      });
    });

    test("caveat_failed names every caveat that failed, and who added it", async () => {
      const { token } = await service().issue({ caveats: ["args.currency = EUR"] });
      const child = narrow(token, "agent = researcher#7", "args.amount <= 100", "ip within 10.0.0.0/8");
      const context = { args: { amount: 250, currency: "USD" }, ip: "192.0.2.1" };
      const answer = await ask({ token: child, discharges: [] }, context);
      expect(answer.code).toBe("caveat_failed");
      expect(answer.detail).toBe(answer.failures[0]?.detail);
      expect(answer.failures.map(({ index, agent, detail }) => ({ index, agent, detail }))).toEqual([
        { index: 1, agent: null, detail: 'args.currency is "USD", the token allows only EUR' },
        {
          index: 3,
          agent: "researcher#7",
          detail: "args.amount is 250, the token allows at most 100 (since the hand-over to researcher)",
        },
        {
          index: 4,
          agent: "researcher#7",
          detail:
            'ip is "192.0.2.1", the token allows only addresses within 10.0.0.0/8 (since the hand-over to researcher)',
        },
      ]);
    });

    test("discharge_missing says where to go and with what", async () => {
      const { token } = await service().issue();
      const child = third.require(token, "is-member-of staff");
      const answer = await ask({ token: child, discharges: [] });
      expect(answer).toMatchObject({
        code: "discharge_missing",
        detail: "1 third-party caveat without a discharge: ask https://third.test",
        failures: [],
        undischarged: [{ location: "https://third.test" }],
      });
      expect(third.conditionOf(answer.undischarged[0]?.caveat_id ?? "")).toBe("is-member-of staff");
    });

    test("discharge_invalid: unbound", async () => {
      const { token } = await service().issue();
      const child = third.require(token, "c");
      const discharge = third.discharge(lastTicket(child));
      expect(await ask({ token: child, discharges: [discharge] })).toMatchObject({
        code: "discharge_invalid",
        detail: "discharge 0 is neither bound to the token nor tied to one of its links",
      });
      expect(await service().verify(child, {}, { discharges: [bound(child, discharge)] })).toMatchObject({
        allowed: true,
      });
    });
  });

  describe("the first code in the contract's order decides", () => {
    test.each(PAIRS)("$name", async ({ first, second }) => {
      const { token } = await service().issue();
      // Added in either order, so that the place in the chain is not what decides.
      for (const [one, two] of [
        [first, second],
        [second, first],
      ] as const) {
        const presented = two.add(one.add({ token, discharges: [] }));
        if (first.code === "revoked") {
          await service().revoke([{ revocation_id: linkOf(presented.token) }], service().asPlatform());
        }
        expect((await ask(presented)).code).toBe(first.code);
      }
    });

    test("a wrong signature comes before a revocation, and an unknown key before a wrong signature", async () => {
      const { token } = await service().issue();
      await service().revoke([{ token }]);
      expect((await ask({ token: forged(token), discharges: [] })).code).toBe("bad_signature");
      await service().createPlatform("elsewhere-too");
      const foreign = await service().issue({ platform: "elsewhere-too" });
      expect((await ask({ token: forged(foreign.token), discharges: [] })).code).toBe("unknown_key");
    });
  });

  describe("what verify does not answer with a verdict", () => {
    const VALID = { token: "t", context: {} };

    test.each(
      [
        ["time", "agent", "depth", "uses", "spend", "rate", "holder", "ancestor", "approval", "bh"],
        ["principal", "platform", "token_id", "cost"],
      ].flat(),
    )("a context that sets %s", async (name) => {
      const answer = await service().send(
        "POST",
        "/v1/verify",
        { token: "t", context: { [name]: "x" } },
        service().asPlatform(),
      );
      expect(answer.json<Problem>()).toMatchObject({
        status: 400,
        code: "invalid_request",
        member: `context.${name}`,
        detail: `context.${name} belongs to the service and cannot be set`,
      });
    });

    test.each([
      { who: "a person", as: () => service().asHuman("alice"), status: 403 },
      { who: "an administrator", as: () => service().asAdmin(), status: 403 },
      { who: "nobody", as: () => ({}), status: 401 },
    ])("$who asks", async ({ as, status }) => {
      for (const [path, body] of [
        ["/v1/verify", VALID],
        ["/v1/verify/batch", { requests: [VALID] }],
      ] as const) {
        expect((await service().send("POST", path, body, as())).status).toBe(status);
      }
    });
  });

  describe("in a batch", () => {
    const batch = async (requests: readonly unknown[]) => {
      const answer = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
      expect(answer.status, answer.text).toBe(200);
      return answer.json<{ results: BatchItem[] }>().results;
    };

    test("nothing asked, nothing answered", async () => {
      expect(await batch([])).toEqual([]);
    });

    test("order is kept, and an item that is no good spoils nothing", async () => {
      const { token } = await service().issue();
      const good = { token, context: { action: "read" } };
      const results = await batch([
        good,
        { token: forged(token), context: {} },
        { token, context: { time: "now" } },
        null,
        { token },
        { token, context: {}, nonsense: 1 },
        { token, context: {}, min_sequence: "not one" },
        { token: narrow(token, "action = write"), context: { action: "read" } },
        good,
      ]);
      expect(results.map(({ allowed, code }) => (allowed === true ? "allowed" : code))).toEqual([
        "allowed",
        "bad_signature",
        "invalid_request",
        "invalid_request",
        "invalid_request",
        "invalid_request",
        "invalid_request",
        "caveat_failed",
        "allowed",
      ]);
      expect(results[2]).toMatchObject({ status: 400, member: "context.time" });
      expect(results[4]).toMatchObject({ member: "context" });
      expect(results[5]).toMatchObject({ member: "nonsense" });
    });

    test("an item in an unknown epoch is 503 in its place", async () => {
      const { token } = await service().issue();
      const [first, second] = await batch([
        { token, context: {}, min_sequence: "nosuchepoch-1" },
        { token, context: {} },
      ]);
      expect(first).toMatchObject({ status: 503, code: "unavailable" });
      expect(second).toMatchObject({ allowed: true });
    });

    test("a thousand items are answered, one more is refused", async () => {
      const { token } = await service().issue();
      const item = { token, context: {} };
      const results = await batch(Array(1_000).fill(item));
      expect(results).toHaveLength(1_000);
      expect(results.every(({ allowed }) => allowed === true)).toBe(true);
      const answer = await service().send(
        "POST",
        "/v1/verify/batch",
        { requests: Array(1_001).fill(item) },
        service().asPlatform(),
      );
      expect(answer.json<Problem>()).toMatchObject({ status: 400, member: "requests" });
    });
  });

  test("a dry run answers the same and touches nothing", async () => {
    const { token } = await service().issue();
    for (const presented of [token, narrow(token, "action = write"), forged(token)]) {
      const real = await service().verify(presented, { action: "read" });
      const { calls } = service().watched;
      const before = calls.filter((call) => !call.startsWith("revocations.")).length;
      expect(await service().verify(presented, { action: "read" }, { dry_run: true })).toEqual(real);
      expect(calls.filter((call) => !call.startsWith("revocations."))).toHaveLength(before);
    }
  });
});
