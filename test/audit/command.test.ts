import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { runCommandLine } from "../../src/cli/cli.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";
import { raw } from "../storage/raw.ts";
import { describeOn } from "../support/database.ts";
import { scratchFolder } from "../support/scratch.ts";
import { startTestService, type TestService } from "../support/service.ts";

describeOn("postgres", "bakehouse audit", () => {
  let service: TestService;
  let url: string;
  let close = async () => {};
  const home = scratchFolder("home");
  const credential = join(home, "admin.token");

  async function bakehouse(...args: readonly string[]) {
    const terminal = fakeTerminal({ home, fetch: (target, init) => fetch(target, init) });
    const exit = await runCommandLine(["audit", ...args, "--url", url, "--credential", credential], {
      terminal,
      server: [],
      version: "1",
    });
    return { exit, out: terminal.printed, said: terminal.said };
  }

  async function integrate(): Promise<void> {
    while ((await service.audit.integration.step()) === "more");
  }

  beforeAll(async () => {
    service = await startTestService({ kind: "postgres" });
    await service.issue();
    await integrate();
    const listening = await service.listen();
    ({ url, close } = listening);
    writeFileSync(credential, service.adminToken, { mode: 0o600 });
  });
  afterAll(async () => {
    await close();
    await service?.close();
  });

  test("list", async () => {
    const { exit, out } = await bakehouse("list", "--action", "token.issued", "--limit", "1");
    expect(exit).toBe(0);
    expect(out.join("\n")).toMatch(/token\.issued +alice +default +\d+ +\{/);
  });

  test("export, and verify of the service and of the export alone", async () => {
    const { exit, out } = await bakehouse("export");
    expect(exit).toBe(0);
    const file = join(home, "export.jsonl");
    writeFileSync(file, `${out.join("\n")}\n`);
    const { key } = (await service.get("/v1/audit/key", service.asAdmin())).json<{ key: string }>();

    expect(await bakehouse("verify")).toMatchObject({
      exit: 0,
      out: [expect.stringContaining("and none is missing")],
    });
    const known = await bakehouse("verify", file, "--key", key);
    expect(known).toMatchObject({ exit: 0 });
    expect(known.said.join("\n")).not.toContain("--key");
    expect((await bakehouse("verify", file)).said.join("\n")).toContain(
      "is that the key that you wrote down?",
    );
    expect((await bakehouse("verify", file, "--key", `${key.slice(0, -2)}AA`)).exit).toBe(3);

    writeFileSync(
      file,
      `${out.join("\n").replace('\\"platform\\":\\"default\\"', '\\"platform\\":\\"defauIt\\"')}\n`,
    );
    const changed = await bakehouse("verify", file);
    expect(changed.exit).toBe(3);
    expect(changed.out[0]).toMatch(
      /^event \d+ of tree 1 \([0-9a-f-]{36}\) is not what was recorded: it was changed$/,
    );
    const { faults } = JSON.parse((await bakehouse("verify", file, "--json")).out.join("\n")) as {
      faults: object[];
    };
    expect(faults[0]).toMatchObject({ kind: "changed", tree: 1, index: expect.any(Number) });
    expect((await bakehouse("verify", join(home, "no-such-file"))).exit).toBe(2);
  });

  test("watch keeps what it saw for its user alone, goes on from there, and shouts at a rollback", async () => {
    const state = join(home, "seen.json");
    const watch = () => bakehouse("watch", "--once", "--state", state);
    const url = service.database.url ?? "";
    expect(await watch()).toMatchObject({ exit: 0, out: [expect.stringMatching(/ has \d+ leaves$/)] });
    expect(statSync(state).mode & 0o777).toBe(0o600);
    for (const table of ["leaves", "tiles", "trees"]) {
      await raw(url, `create table backup_${table} as select * from audit_${table}`);
    }
    await service.issue();
    await integrate();
    expect(await watch()).toMatchObject({ exit: 0, out: [expect.stringMatching(/ has \d+ leaves$/)] });
    expect(await watch()).toMatchObject({ exit: 0, out: [] });
    const seen = readFileSync(state, "utf8");

    // The disaster: an older backup.
    for (const table of ["leaves", "tiles", "trees"]) {
      await raw(url, `delete from audit_${table}; insert into audit_${table} select * from backup_${table}`);
    }
    const shouted = await watch();
    expect(shouted).toMatchObject({
      exit: 3,
      out: [expect.stringMatching(/^ROLLBACK: .* has \d+ leaves, and \d+ were seen/)],
    });
    // What was seen is not forgotten, however often somebody looks.
    expect(readFileSync(state, "utf8")).toBe(seen);
    expect((await watch()).exit).toBe(3);

    // The log grows past what was seen, with other events in the same places.
    for (let n = 0; n < 3; n++) await service.issue({}, "mallory");
    await integrate();
    expect(await watch()).toMatchObject({ exit: 3, out: [expect.stringMatching(/^FORK: /)] });
    writeFileSync(state, "{}", { mode: 0o600 });
    expect((await watch()).exit).toBe(1);
  });

  test("wrong words", async () => {
    expect((await bakehouse("nothing")).exit).toBe(2);
    expect((await bakehouse("list", "more")).exit).toBe(2);
    expect((await bakehouse("verify", "--platform", "default")).exit).toBe(2);
  });
});
