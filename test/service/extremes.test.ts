/** Every instant and every number that a caller may write, at every route that takes one: none of them is a fault. */
import { beforeEach, expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { narrow, tickets } from "../support/service-macaroons.ts";

const people = stubRelyingParty();
const LOCATION = "http://127.0.0.1:8080";

const INSTANTS = [
  "0000-01-01T00:00:00Z",
  "0000-06-01T00:00:00+23:59",
  "0001-01-01T00:00:00Z",
  "1960-01-01T00:00:00Z",
  "1969-12-31T23:59:59.999999Z",
  "1970-01-01T00:00:00Z",
  "2026-02-29T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "9999-12-31T23:59:59.9999999999999999999999999999999999999999999Z",
  "9999-12-31T23:59:59-23:59",
  "10000-01-01T00:00:00Z",
];

/** As they stand in JSON. */
const NUMBERS = [
  ..."0 -0 -1 1 0.5 1e-400 1e400 -1e400 1e39 2147483648 4294967296 9007199254740991 9007199254740992".split(
    " ",
  ),
  ..."9223372036854775807 9223372036854775808 253402300800 99999999999999 1e15".split(" "),
  "9".repeat(40),
  "9".repeat(41),
  `0.${"0".repeat(38)}1`,
  `-${"9".repeat(40)}`,
];
const ALL = [...INSTANTS.map((text) => JSON.stringify(text)), ...NUMBERS];

describeService(
  "extremes of what callers write",
  (service) => {
    type Headers = Readonly<Record<string, string>>;
    const answered: string[] = [];
    beforeEach(() => void answered.splice(0));
    async function send(method: string, path: string, body: string | undefined, headers: Headers) {
      const answer = await service().request(path, {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status >= 500) answered.push(`${answer.status} ${method} ${path} ${body}`);
      return answer;
    }

    test("in bodies", async () => {
      const { token, token_id } = await service().issue();
      const id = service().asAdmin();
      const platform = service().asPlatform();
      const bodies: readonly (readonly [string, string, (value: string) => string, Headers])[] = [
        ["POST", "/v1/tokens", (v) => `{"platform":"default","ttl":${v}}`, service().asHuman("alice")],
        ...["agent", "platform"].map(
          (kind) =>
            [
              "POST",
              "/v1/revocations",
              (v: string) => `{"targets":[{"${kind}":"nobody","issued_before":${v}}]}`,
              id,
            ] as const,
        ),
        [
          "POST",
          "/v1/revocations",
          (v) => `{"targets":[{"principal":{"subject":"nobody"},"issued_before":${v}}]}`,
          id,
        ],
        [
          "POST",
          "/v1/revocations",
          (v) => `{"targets":[{"agent":"nobody","token_id":"${token_id}","issued_before":${v}}]}`,
          service().asHuman("alice"),
        ],
        ["PUT", "/v1/platforms/extremes/policy", (v) => `{"rules":[{"max_ttl":${v}}]}`, id],
        ["POST", "/v1/verify", (v) => `{"token":"${token}","context":{"at":${v},"n":[${v}]}}`, platform],
        ["POST", "/v1/verify", (v) => `{"token":"${token}","context":{},"cost":{"eur":${v}}}`, platform],
        ["POST", "/v1/verify", (v) => `{"token":"${token}","context":{},"reserve":${v},"cost":{}}`, platform],
        [
          "POST",
          "/v1/verify",
          (v) =>
            `{"token":"${narrow(token, "spend.eur <= 10")}","context":{},"cost":{"eur":${v}},"reserve":60}`,
          platform,
        ],
        [
          "POST",
          "/v1/verify/batch",
          (v) => `{"requests":[{"token":"${token}","context":{"a":${v}}}]}`,
          platform,
        ],
        [
          "POST",
          "/v1/reservations/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082/settle",
          (v) => `{"cost":{"eur":${v}}}`,
          platform,
        ],
      ];
      await service().createPlatform("extremes");
      for (const [method, path, body, headers] of bodies) {
        for (const value of ALL) await send(method, path, body(value), headers);
      }
      expect(answered).toEqual([]);
    });

    test("in caveats of tokens, policies and credentials, and of budgets", async () => {
      const caveats = [
        ...INSTANTS.flatMap((at) => [`time < ${at}`, `time > ${at}`, `at < ${at}`, `at >= ${at}`]),
        ...NUMBERS.flatMap((n) => [
          `uses <= ${n}`,
          `spend.eur <= ${n}`,
          `rate <= ${n}/d`,
          `n <= ${n}`,
          `depth <= ${n}`,
        ]),
      ];
      const { token } = await service().issue();
      for (const caveat of caveats) {
        const body = JSON.stringify({ platform: "default", caveats: [caveat] });
        const made = await send("POST", "/v1/tokens", body, service().asHuman("alice"));
        for (const text of [narrow(token, caveat), made.json<{ token?: string }>().token ?? ""]) {
          const asked = { token: text, context: { at: "2026-01-01T00:00:00Z", n: 1 }, cost: { eur: "1" } };
          await send("POST", "/v1/verify", JSON.stringify(asked), service().asPlatform());
        }
        const rules = JSON.stringify({ rules: [{ max_ttl: 60, caveats: [caveat] }] });
        await send("PUT", "/v1/platforms/extremes/policy", rules, service().asAdmin());
        const issued = JSON.stringify({ platform: "extremes" });
        await send("POST", "/v1/tokens", issued, service().asHuman("alice"));
        const headers = { authorization: `Bearer ${narrow(service().adminToken, caveat)}` };
        await send("GET", "/v1/platforms?limit=1", undefined, headers);
      }
      expect(answered).toEqual([]);
    });

    test("in queries", async () => {
      const admin = service().asAdmin();
      const cursor = Buffer.from("tokens:9999").toString("base64url");
      for (const value of [...INSTANTS, ...NUMBERS, cursor]) {
        const v = encodeURIComponent(value);
        for (const path of [
          `/v1/tokens?limit=${v}`,
          `/v1/tokens?cursor=${v}`,
          `/v1/platforms?limit=${v}`,
          `/v1/keys?limit=${v}`,
          `/v1/revocations?limit=${v}`,
          `/v1/revocations?after=${v}`,
          `/v1/approvals?limit=${v}`,
          `/v1/sessions?limit=${v}`,
          `/approvals?before=${v}`,
          `/login?max_age=${v}&return_to=/`,
        ]) {
          await send("GET", path, undefined, path.startsWith("/v1/") ? admin : {});
        }
        for (const number of NUMBERS) {
          const { sequence } = (await service().get("/v1/revocations", admin)).json<{ sequence: string }>();
          const [epoch = ""] = sequence.split("-");
          await send(
            "GET",
            `/v1/revocations?after=${encodeURIComponent(`${epoch}-${number}`)}`,
            undefined,
            admin,
          );
          if (value !== cursor) break;
        }
      }
      expect(answered).toEqual([]);
    });

    test("in what an asker has a discharge narrowed by: it can be asked, shown, granted and denied, or is refused", async () => {
      const conditions = [
        "once approved-by alice Pay",
        "approved-by alice Pay",
        "once is-principal",
      ] as const;
      const tried = [
        ...INSTANTS.flatMap((at) => conditions.map((condition) => [condition, `time < ${at}`] as const)),
        ...NUMBERS.map((n) => [conditions[0], `uses <= ${n}`] as const),
      ];
      let session: Headers = {};
      for (const [asks, [condition, caveat]] of tried.entries()) {
        // Each session and each asker has an allowance of its own.
        if (asks % 10 === 0) session = await people.login(service().request, "alice");
        const by = `extreme-${asks}`;
        const third_party_caveats = [{ location: LOCATION, condition }];
        const { token } = await service().issue({ third_party_caveats }, by);
        const body = JSON.stringify({ caveat_id: tickets(token).at(-1), token, caveats: [caveat] });
        const from = { "x-test-peer": `10.${asks >> 8}.${asks & 255}.1` };
        const asked = await send("POST", "/v1/discharge", body, from);
        if (asked.status !== 202) continue;
        const { id, user_url } = asked.json<{ id: string; user_url: string }>();
        const path = new URL(user_url).pathname;
        await send("GET", path, undefined, session);
        if (path.startsWith("/approvals/")) {
          const said = await send("POST", `/v1/approvals/${id}`, '{"decision":"approve"}', session);
          expect(said.status, said.text).toBe(200);
          await send("GET", path, undefined, session);
        }
      }
      expect(answered).toEqual([]);
    });
  },
  { relyingParty: people.relyingParty },
);
