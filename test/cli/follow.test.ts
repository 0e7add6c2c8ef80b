import { expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { type FakeTerminal, fakeTerminal } from "./fake-terminal.ts";

const event = (sequence: string) => {
  const revocation = {
    id: "r",
    target: { agent: "\u001b[2Jscraper" },
    revoked_at: "2026-11-22T13:00:00Z",
    sequence,
    scope: "platform",
  };
  return `id: ${sequence}\nevent: revocation\ndata: ${JSON.stringify(revocation)}\n\n`;
};
const stream = (...events: readonly string[]) =>
  new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });

async function follow(answers: readonly (() => Response)[], args: readonly string[] = []) {
  const stop = new AbortController();
  const asked: string[] = [];
  const fetch: FakeTerminal["fetch"] = async (url) => {
    asked.push(new URL(url).search);
    const next = answers[asked.length - 1];
    if (next === undefined) stop.abort();
    return next?.() ?? stream();
  };
  const terminal = fakeTerminal({
    env: { BAKEHOUSE_URL: "https://bakehouse.example" },
    input: "credential",
    fetch,
    signal: stop.signal,
  });
  const exit = await runCommandLine(["revocations", "--follow", "--credential", "-", ...args], {
    terminal,
    server: [],
    version: "1",
  });
  return { exit, terminal, asked };
}

test("prints entries as they come, and goes on behind the last where the connection ended or broke", async () => {
  const broken = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(event("e-3")));
          controller.error(new Error("cut"));
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { terminal, asked, exit } = await follow(
    [() => stream(event("e-1"), event("e-2")), broken],
    ["--after", "e-0"],
  );
  expect(asked.slice(0, 2)).toEqual(["?after=e-0", "?after=e-2"]);
  // What a stream brings may be lost with it: then it comes again.
  expect(["?after=e-2", "?after=e-3"]).toContain(asked[2]);
  expect(terminal.printed.slice(0, 2)).toEqual(
    Array.from({ length: 2 }, () => "2026-11-22 13:00:00 UTC  platform  agent \\u{1b}[2Jscraper"),
  );
  expect({ exit, last: terminal.said.at(-1) }).toEqual({ exit: 1, last: "bakehouse: stopped" });
});

test("each entry is one line of JSON", async () => {
  const { terminal } = await follow([() => stream(event("e-1"))], ["--json"]);
  expect(terminal.printed.map((line) => JSON.parse(line))).toMatchObject([{ sequence: "e-1" }]);
});

test.each([
  ["it cannot be had at all", () => Response.error(), 5],
  ["it streams nothing", () => Response.json({ items: [] }), 5],
  [
    "the log is another one",
    () =>
      new Response(JSON.stringify({ status: 410, code: "gone", detail: "the log is another one" }), {
        status: 410,
        headers: { "content-type": "application/problem+json" },
      }),
    5,
  ],
])("ends where %s", async (_, answer, code) => {
  const { exit, asked } = await follow([answer, answer, answer]);
  expect([exit, asked.length]).toEqual([code, 1]);
});
