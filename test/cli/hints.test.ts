/** What the command line tells besides the answer: why a token is dead, what is dead below it, what was hardly meant. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { Token } from "../../src/client/index.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const SERVICE = "https://bakehouse.example";
const AT = "2026-11-22T13:00:00.000Z";
const LINK = "q83vEjRWeJCrze8SNFZ4kA";
const ID = "019a8b40-0000-7000-8000-000000000001";
const minted = mint({ rootKey: new Uint8Array(32).fill(3), identifier: "id", location: SERVICE });
const token = encodeBundle([attenuate(minted, ["args.amount <= 100"])]);

type Answers = (path: string) => { readonly status?: number; readonly body: unknown };

/** A service that answers by the path. */
function answering(answers: Answers): Terminal["fetch"] {
  return async (url) => {
    const { status = 200, body } = answers(new URL(url).pathname);
    const type = status < 400 ? "application/json" : "application/problem+json";
    return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
  };
}

async function run(args: readonly string[], answers: Answers, options: object = {}) {
  const terminal = fakeTerminal({
    input: "a-credential",
    env: { BAKEHOUSE_URL: SERVICE, BAKEHOUSE_TOKEN: token },
    fetch: answering(answers),
    ...options,
  });
  const exit = await runCommandLine(args, { terminal, server: [], version: "1" });
  return { exit, printed: terminal.printed, said: terminal.said };
}

const asPlatform = (...args: readonly string[]) => [...args, "--credential", "-"];

const refused = {
  allowed: false,
  code: "revoked",
  detail: "a link of the token has been revoked",
  failures: [],
  undischarged: [],
  sequence: "e-1",
};
const killing = { revocation_id: LINK, agent: "researcher", depth: 1, revoked_at: AT, by: "holder" };

describe("a dead token", () => {
  test.each([
    [killing, `  cut off: researcher, link ${LINK}, 2026-11-22 13:00:00 UTC, by a holder`],
    [
      { ...killing, agent: null, by: "principal", reason: "the laptop was stolen" },
      `  cut off: what was issued, link ${LINK}, 2026-11-22 13:00:00 UTC, by its principal: the laptop was stolen`,
    ],
    [
      { ...killing, by: "administrator" },
      `  cut off: researcher, link ${LINK}, 2026-11-22 13:00:00 UTC, by an administrator`,
    ],
    [
      { ...killing, target: { approval_id: ID }, reason: "too much" },
      `  withdrawn: approval ${ID}, 2026-11-22 13:00:00 UTC: too much`,
    ],
  ])("%# is told with the link, the time, the author and the reason", async (revocation, line) => {
    for (const command of ["verify", "explain"]) {
      const { exit, printed } = await run(asPlatform(command), () => ({ body: { ...refused, revocation } }));
      expect(exit).toBe(3);
      expect(printed).toContain(line);
    }
  });

  test("of a service that does not know why is told as dead", async () => {
    const { printed } = await run(asPlatform("verify"), () => ({ body: refused }));
    expect(printed).toEqual(["refused: revoked", refused.detail]);
  });
});

test("what is dead below a token stands in its record", async () => {
  const record = {
    token_id: ID,
    revocation_id: LINK,
    platform: "default",
    principal: { id: "p", issuer: "https://login.example", subject: "alice" },
    issued_at: AT,
    expires_at: AT,
    caveats: [],
    summary: "ANYTHING",
    key_id: "k",
    status: "active",
    revoked_below: [
      { agent: "scraper", revoked_at: AT, by: "platform", reason: "it looped" },
      { revocation_id: LINK, revoked_at: AT, by: "holder" },
    ],
  };
  const { printed } = await run(asPlatform("tokens", ID), () => ({ body: record }));
  expect(printed.filter((line) => line.startsWith("dead below"))).toEqual([
    "dead below     agent scraper, cut off 2026-11-22 13:00:00 UTC by its platform: it looped",
    `dead below     link ${LINK}, cut off 2026-11-22 13:00:00 UTC by a holder`,
  ]);
});

test.each([true, false])("a list has its header for eyes alone (%s)", async (outputIsTerminal) => {
  const entry = { id: ID, target: { token_id: ID }, revoked_at: AT, sequence: "e-1", scope: "platform" };
  const page = { items: [entry], next_cursor: null, sequence: "e-1" };
  const { printed } = await run(asPlatform("revocations"), () => ({ body: page }), { outputIsTerminal });
  expect(printed).toHaveLength(outputIsTerminal ? 2 : 1);
  expect(printed.at(-1)).toContain(ID);
  expect(printed.at(-1)).toContain("2026-11-22 13:00:00 UTC");
});

describe("what is legal and was hardly meant", () => {
  const nobody: Answers = () => ({ status: 500, body: {} });

  test.each([
    ["amount <= 5", "amount is another attribute than args.amount"],
    ["expires < 2999-12-01T00:00:00Z", "expires is what a call says of itself: the clock is time"],
    [
      "resource matches repo",
      "matches without * takes that one value: behind it, /* is one level more and /** all below",
    ],
    ["time < 2020-01-01T00:00:00Z", undefined],
  ])("attenuate '%s' is done, with a warning that says what was meant", async (caveat, why) => {
    const { exit, said, printed } = await run(["attenuate", caveat], nobody);
    expect([exit, printed.length]).toEqual([0, 1]);
    const over = "the token is over: an instant of its `time <` has passed";
    const text = why === undefined ? over : `"${caveat}": ${why}`;
    expect(said.filter((line) => line.includes("warning"))).toEqual([`bakehouse: warning: ${text}`]);
  });

  test("what was meant is not warned of", async () => {
    const { said } = await run(["attenuate", "args.amount <= 5"], nobody);
    expect(said.filter((line) => line.includes("warning"))).toEqual([]);
  });
});

describe("what was made", () => {
  const nobody: Answers = () => ({ status: 500, body: {} });

  test("is said where it goes into a file, and not where it goes on into another command", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bakehouse-made-"));
    try {
      const into = await run(
        ["delegate", "scraper", "args.amount <= 5", "-o", join(folder, "s.token")],
        nobody,
      );
      expect(into.said).toEqual([
        expect.stringMatching(/^bakehouse: .*args\.amount at most 5.*handed on to scraper/),
      ]);
      const printed = await run(["delegate", "scraper", "args.amount <= 5"], nobody);
      expect([printed.said, printed.printed.length]).toEqual([[], 1]);
      const nowhere = await run(
        ["attenuate", "args.amount <= 5", "-o", join(folder, "no", "s.token")],
        nobody,
      );
      expect(nowhere.said[0]).toMatch(/^bakehouse: cannot write .* \(its folder is not there\)$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("of a token that nobody has to be asked about is a warning", async () => {
    const { exit, said } = await run(["discharge"], nobody);
    expect([exit, said[0]]).toEqual([
      0,
      "bakehouse: warning: this token needs no discharge: nobody was asked, and it is as it was",
    ]);
  });

  test("by a revocation is said with what it means", async () => {
    const entry = { id: ID, target: { token_id: ID }, revoked_at: AT, sequence: "e-1", scope: "platform" };
    const answer = { revocations: [entry], sequence: "e-1" };
    const { said } = await run(asPlatform("revoke", "--token-id", ID), () => ({ body: answer }));
    expect(said).toEqual([
      "bakehouse: revoked, with all that rests on it: refused here from now on, and everywhere within seconds",
      "bakehouse: its place in the log, for verify --min-sequence: e-1",
    ]);
  });
});

describe("what is in the wrong place", () => {
  const nobody: Answers = () => ({ status: 500, body: {} });

  test.each([
    [
      { BAKEHOUSE_TOKEN: "root.token" },
      "bakehouse: BAKEHOUSE_TOKEN is a path, and holds the token itself: a file is named by --token FILE",
    ],
    [
      { BAKEHOUSE_TOKEN: "" },
      "bakehouse: give the token on standard input, in a file with --token FILE, or in BAKEHOUSE_TOKEN",
    ],
  ])("%j is told with its cure", async (env, text) => {
    const { exit, said } = await run(["inspect"], nobody, { env, input: "" });
    expect([exit, said]).toEqual([2, [text]]);
  });

  test("the library's variable for a credential is named", async () => {
    const env = { BAKEHOUSE_URL: SERVICE, BAKEHOUSE_CREDENTIAL: "a-credential" };
    const { said } = await run(["tokens"], nobody, { env });
    expect(said[0]).toContain("(BAKEHOUSE_CREDENTIAL is not read here: it would hold the credential itself)");
    expect(said[0]).not.toContain("a-credential");
  });

  test("a name of the call that is nearly one that a caveat asks for is told", async () => {
    const failures = [
      {
        index: 0,
        code: "caveat_failed",
        caveat: "action in read, list",
        detail: "action is missing",
        agent: null,
        placed: "issued",
      },
      {
        index: 1,
        code: "caveat_failed",
        caveat: "tool = search",
        detail: "tool is missing",
        agent: null,
        placed: "issued",
      },
    ];
    const body = { ...refused, code: "caveat_failed", failures };
    const { exit, said } = await run(asPlatform("verify", "acton=read", "colour=red"), () => ({ body }));
    expect([exit, said]).toEqual([3, ["bakehouse: the call says acton: did you mean action?"]]);
  });

  test.each([
    ["acton = read", '"acton = read": did you mean action?'],
    ["action in [read, list]", '"action in [read, list]": the brackets are a part of the items'],
  ])("issue --strict asks for nothing that would be warned of: %s", async (caveat, warning) => {
    let asked = 0;
    const { exit, said } = await run(asPlatform("issue", "--strict", caveat), () => {
      asked++;
      return { body: {} };
    });
    expect([exit, asked]).toEqual([2, 0]);
    expect(said.join("\n")).toContain("bakehouse: nothing was made (--strict): ");
    expect(said.join("\n")).toContain(warning);
  });

  test("a member of a request is told by the option's name", async () => {
    const problem = {
      type: "about:blank",
      title: "t",
      status: 400,
      code: "invalid_request",
      detail: "a platform issues for somebody: name them",
      member: "on_behalf_of",
    };
    const { exit, said } = await run(asPlatform("issue"), () => ({ status: 400, body: problem }));
    expect([exit, said]).toEqual([
      2,
      ["bakehouse: --on-behalf-of: a platform issues for somebody: name them"],
    ]);
  });

  test.each([["verify"], ["tokens"], ["login"]])(
    "%s at another API says that it is none",
    async (command) => {
      const body = {
        type: "about:blank",
        title: "t",
        status: 401,
        code: "unknown_key",
        detail: "a token is needed",
      };
      const args = command === "login" ? [command] : asPlatform(command);
      const { exit, said } = await run(args, () => ({ status: 401, body }));
      expect([exit, said]).toEqual([
        1,
        [
          `bakehouse: ${SERVICE} is no Bakehouse service: is that the address (--url, else BAKEHOUSE_URL, else that of your login)?`,
        ],
      ]);
    },
  );

  test("a service that is not there is told with its address and the cause", async () => {
    const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const { exit, said } = await run(asPlatform("tokens"), nobody, { fetch });
    expect([exit, said]).toEqual([
      5,
      [
        `bakehouse: the service at ${SERVICE} cannot be reached (ECONNREFUSED): is it started, and is that its address (--url, else BAKEHOUSE_URL, else that of your login)?`,
      ],
    ]);
  });
});

test("a thumbprint that begins with a dash is a value, behind a space as behind =", async () => {
  const thumbprint = `-${"a".repeat(41)}A`;
  const answers: Answers = () => ({ body: {} });
  for (const words of [["--holder", thumbprint], [`--holder=${thumbprint}`]]) {
    const { exit, printed, said } = await run(["delegate", "child", ...words], answers, { input: token });
    expect(exit, said.join("\n")).toBe(0);
    const texts = Token.parse(printed.join("").trim())
      .inspect()
      .caveats.map((one) => JSON.stringify(one));
    expect(texts.join()).toContain(`holder = ${thumbprint}`);
  }
  const { exit, said } = await run(["delegate", "child", "--holder", "-t"], answers);
  expect([exit, said.join("\n")]).toEqual([2, expect.stringContaining("--holder")]);
});
