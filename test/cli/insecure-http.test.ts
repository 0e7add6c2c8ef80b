import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const INSIDE = "http://bakehouse.tokens.svc:8080";
const WARNING = `bakehouse: warning: ${INSIDE} is plain http: anyone on the way can read and change what is sent, credentials too`;
const ID_TOKEN = "id-token-7Qz";

describe("plain http to another machine", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "bakehouse-plain-"));
    mkdirSync(join(home, ".config", "bakehouse"), { recursive: true, mode: 0o700 });
    const login = { url: INSIDE, id_token: ID_TOKEN, expires_at: "2999-01-01T00:00:00Z", name: "alice" };
    writeFileSync(join(home, ".config", "bakehouse", "login.json"), JSON.stringify(login), { mode: 0o600 });
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** Runs a command, and tells each request that it made and what it said. */
  async function command(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const asked: { readonly url: string; readonly authorization: string | null }[] = [];
    const terminal = fakeTerminal({
      env,
      home,
      async fetch(url, init) {
        const { authorization = null } = Object.fromEntries(new Headers(init?.headers));
        asked.push({ url: new URL(url).origin, authorization });
        throw new TypeError("nobody is there");
      },
    });
    const code = await runCommandLine(args, { terminal, server: [], version: "0.0.0" });
    const warnings = terminal.said.filter((line) => line.startsWith("bakehouse: warning:"));
    return { code, asked, said: terminal.said, warnings };
  }

  test.each<[string, readonly string[], Record<string, string>]>([
    ["by option", ["status", "--url", INSIDE], {}],
    ["by variable", ["status"], { BAKEHOUSE_URL: INSIDE }],
    ["as the place of the login, of which it was said before", ["keys"], {}],
    ["for a login", ["login", "--url", INSIDE, "--yes"], {}],
    ["where the variable says no", ["status", "--url", INSIDE], { BAKEHOUSE_INSECURE_HTTP: "" }],
  ])("is refused %s, and nothing is sent", async (_, args, env) => {
    const { code, asked, said } = await command(args, env);
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(said).toEqual([expect.stringMatching(/must be https, .*: where the network .*--insecure-http$/)]);
  });

  test.each<[string, readonly string[], Record<string, string>]>([
    ["an option", ["keys", "--insecure-http"], {}],
    ["a variable", ["keys"], { BAKEHOUSE_INSECURE_HTTP: "true" }],
  ])("is taken by %s, which warns once", async (_, args, env) => {
    const { code, asked, warnings } = await command(args, env);
    expect(code).toBe(5);
    expect(asked.length).toBeGreaterThan(0);
    for (const one of asked) expect(one).toEqual({ url: INSIDE, authorization: `Bearer ${ID_TOKEN}` });
    expect(warnings).toEqual([WARNING]);
  });

  test("is taken for a login that says so, which asks for the address twice and warns once", async () => {
    const { asked, warnings } = await command(["login", "--url", INSIDE, "--yes", "--insecure-http"]);
    expect(asked[0]).toEqual({ url: INSIDE, authorization: null });
    expect(warnings).toEqual([WARNING]);
  });

  test("is no question of https or of this machine", async () => {
    for (const url of ["https://bakehouse.example", "http://127.0.0.1:8080", "http://[::1]:8080"]) {
      const { asked, warnings } = await command(["status", "--url", url, "--insecure-http"]);
      expect(asked[0]?.url).toBe(url);
      expect(warnings).toEqual([]);
    }
  });

  test("stays refused for another party than the service", async () => {
    const args = ["discharge", "--url", "https://bakehouse.example", "--allow", INSIDE, "--insecure-http"];
    const { code, asked, said } = await command(args, { BAKEHOUSE_TOKEN: "none" });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(said).toEqual([expect.stringMatching(/--allow must be an origin such as https:/)]);
  });

  test("is not taken by a variable that says something else", async () => {
    const { code, asked, said } = await command(["status", "--url", INSIDE], {
      BAKEHOUSE_INSECURE_HTTP: "1",
    });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(said).toEqual(["bakehouse: BAKEHOUSE_INSECURE_HTTP must be true, or unset"]);
  });
});
