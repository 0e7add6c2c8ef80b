/** `bakehouse clients` and `bakehouse consents`, against a service in this process. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { player, REDIRECT, RESOURCE } from "../oauth/flow.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { stubRelyingParty } from "../support/service-login.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const people = stubRelyingParty();
let service: TestService;
let play: ReturnType<typeof player>;

beforeAll(async () => {
  service = await startTestService({ kind: "pglite", relyingParty: people.relyingParty });
  play = player(() => service, people);
  await play.resource();
});

afterAll(() => service?.close());

async function run(...args: readonly string[]) {
  const terminal = fakeTerminal({
    env: { BAKEHOUSE_URL: service.publicUrl, BAKEHOUSE_CREDENTIAL_FILE: join(service.folder, "admin.token") },
    async fetch(url, init) {
      const { pathname, search } = new URL(url);
      const answer = await service.request(`${pathname}${search}`, init);
      const body = answer.status === 204 ? null : answer.text;
      return new Response(body, { status: answer.status, headers: answer.headers });
    },
  });
  const exit = await runCommandLine(args, { terminal, server: [], version: "1" });
  return { exit, printed: terminal.printed.join("\n"), said: terminal.said.join("\n") };
}

test("[pglite] a client is added with a secret that is shown once, listed, and removed", async () => {
  const file = join(service.folder, "client.json");
  const client = { client_name: "Notebook", redirect_uris: [REDIRECT] };
  writeFileSync(file, JSON.stringify({ ...client, token_endpoint_auth_method: "client_secret_basic" }));
  const added = await run("clients", "add", file);
  expect(added.exit, added.said).toBe(0);
  expect(added.printed).toMatch(/^client id +[0-9a-f-]{36}\nsecret +\S{40,}\nname +Notebook\n/);
  const id = /^client id +(\S+)/.exec(added.printed)?.[1] ?? "";
  const listed = await run("clients");
  expect(listed.printed).toMatch(new RegExp(`^CLIENT ID.*\\n${id} +Notebook +client_secret_basic`));
  expect(listed.printed).not.toContain("secret  ");
  expect(await run("clients", "remove", id)).toMatchObject({
    exit: 0,
    said: expect.stringContaining(`the client ${id} is gone`),
  });
  expect((await run("clients")).printed).not.toContain(id);
});

test("[pglite] what a person let a client do is listed and forgotten", async () => {
  await play.code(await play.client());
  const listed = await run("consents");
  expect(listed.printed).toContain("alice");
  expect(listed.printed).toContain(RESOURCE);
  const id = /^([0-9a-f-]{36})/m.exec(listed.printed)?.[1] ?? "";
  expect(await run("consents", "remove", id)).toMatchObject({
    exit: 0,
    said: expect.stringContaining("is forgotten"),
  });
  expect((await run("consents")).printed).not.toContain(id);
});

test.each([
  [["clients", "add"], "say which file holds the client"],
  [["clients", "remove"], "say which client: clients remove ID"],
  [["clients", "drop", "x"], "say clients, or add or remove behind it"],
  [["consents", "remove"], "say which consent: consents remove ID"],
  [["consents", "add"], "say consents, or remove behind it"],
])("%j says what is missing", async (args, said) => {
  const done = await run(...args);
  expect(done.exit).toBe(2);
  expect(done.said).toContain(said);
});
