import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { confirmService, forgetService, rememberService } from "../../src/cli/known-services.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const REAL = { url: "https://bakehouse.example", issuer: "https://login.example", client_id: "cli" };
const HOSTILE = { ...REAL, url: "https://evil.example" };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "bakehouse-known-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe("a service that names the client of another", () => {
  test.each([
    HOSTILE,
    { ...HOSTILE, issuer: "https://LOGIN.example/" },
    { ...HOSTILE, issuer: "https://login.example:443" },
    { ...HOSTILE, url: "https://bakehouse.example:8443" },
    { ...HOSTILE, url: "http://bakehouse.example" },
    { ...HOSTILE, url: "https://bakehouse.example/tenant" },
  ])("is refused, whatever is said: $url with $issuer", async (service) => {
    await rememberService(fakeTerminal({ home }), REAL);
    const terminal = fakeTerminal({ home, answer: true });
    await expect(confirmService(terminal, service, true)).rejects.toMatchObject({ exit: 4 });
    expect(terminal.said).toEqual([]);
  });

  test("is refused by the command before any login begins, and says the cure", async () => {
    await rememberService(fakeTerminal({ home }), REAL);
    const asked: string[] = [];
    const terminal = fakeTerminal({
      home,
      fetch: async (url) => {
        asked.push(url);
        const bakehouse_login = { issuer: REAL.issuer, client_id: REAL.client_id };
        return Response.json({ issuer: HOSTILE.url, bakehouse_login });
      },
    });
    const args = ["login", "--url", HOSTILE.url, "--yes", "--device"];
    expect(await runCommandLine(args, { terminal, server: [], version: "1" })).toBe(4);
    expect(asked.filter((url) => !url.startsWith(HOSTILE.url))).toEqual([]);
    expect(terminal.said.join()).toContain("bakehouse logout --forget https://bakehouse.example");
  });
});

describe("the first login at a service", () => {
  test("asks, with the service and the identity provider in sight", async () => {
    const terminal = fakeTerminal({ home, answer: true });
    await confirmService(terminal, REAL, false);
    expect(terminal.said.join(" ")).toContain(REAL.url);
    expect(terminal.said.join(" ")).toContain(REAL.issuer);
  });

  test("is none after a no", async () => {
    const terminal = fakeTerminal({ home, answer: false });
    await expect(confirmService(terminal, REAL, false)).rejects.toMatchObject({ exit: 4 });
  });

  test("wants --yes where nobody can be asked", async () => {
    await expect(confirmService(fakeTerminal({ home }), REAL, false)).rejects.toThrow("say --yes");
    await confirmService(fakeTerminal({ home }), REAL, true);
  });

  test("asks again once the service names another identity provider or client", async () => {
    await rememberService(fakeTerminal({ home }), REAL);
    for (const changed of [
      { ...REAL, issuer: "https://other.example" },
      { ...REAL, client_id: "other" },
    ]) {
      await expect(confirmService(fakeTerminal({ home }), changed, false)).rejects.toThrow("say --yes");
    }
  });
});

test("a service that is its own identity provider is not asked about: its tokens are good nowhere else", async () => {
  const own = { url: "http://127.0.0.1:8080", issuer: "http://127.0.0.1:8080/dev-idp", client_id: "cli" };
  await confirmService(fakeTerminal({ home }), own, false);
  await rememberService(fakeTerminal({ home }), own);
  // Another one that names it is a second service all the same.
  const other = { ...own, url: "http://127.0.0.1:9090" };
  await expect(confirmService(fakeTerminal({ home }), other, true)).rejects.toMatchObject({ exit: 4 });
});

test("a known service is not asked about again, by any name of this machine", async () => {
  const local = { ...REAL, url: "http://127.0.0.1:8080" };
  await rememberService(fakeTerminal({ home }), local);
  for (const url of ["http://127.0.0.1:8080/", "http://localhost:8080", "http://[::1]:8080"]) {
    await confirmService(fakeTerminal({ home }), { ...local, url }, false);
  }
});

test("what is remembered is this user's alone, and a service that has moved can be forgotten", async () => {
  const terminal = fakeTerminal({ home });
  await rememberService(terminal, REAL);
  expect(statSync(join(home, ".config/bakehouse/services.json")).mode & 0o777).toBe(0o600);
  expect(await forgetService(terminal, "https://nowhere.example")).toBe(false);
  expect(await forgetService(terminal, REAL.url)).toBe(true);
  await confirmService(terminal, HOSTILE, true);
});

test.each(["", "{}", "[1]", '[{"url":"x"}]', "not json"])(
  "a damaged file (%j) lets nobody in",
  async (text) => {
    mkdirSync(join(home, ".config/bakehouse"), { recursive: true });
    writeFileSync(join(home, ".config/bakehouse/services.json"), text, { mode: 0o600 });
    await expect(confirmService(fakeTerminal({ home, answer: true }), REAL, true)).rejects.toThrow(
      "is damaged",
    );
  },
);
