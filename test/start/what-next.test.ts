import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { whatNext } from "../../src/run/command/what-next.ts";
import { runInShell } from "../cli/transcript.ts";
import { type Installed, installPackage } from "../support/package.ts";
import { type Home, newEmbeddedHome, type RunningService, startService } from "../support/process-service.ts";
import { scratchFolder } from "../support/scratch.ts";

const oidc = { kind: "development" } as const;
const embedded = { publicUrl: "http://127.0.0.1:8080", databaseUrl: undefined, oidc };

/** A folder with a credential of a first start in a data folder of that name. */
function started(name: string): string {
  const folder = scratchFolder("next");
  writeFileSync(join(folder, `${name}default.token`), "a credential\n");
  return folder;
}

describe("what next", () => {
  test("is what can be pasted in the folder of npm start", () => {
    expect(whatNext({ ...embedded, dataDir: "." }, { npm_lifecycle_event: "start" }, started(""))).toEqual([
      "bakehouse: what next: sign in as anyone at http://127.0.0.1:8080/, or paste this in a second terminal, in the same folder:",
      "  npx bakehouse issue 'action in read, list' --on-behalf-of alice --credential default.token -o root.token --force",
      "  npx bakehouse delegate scraper 'action = read' --ttl 15m --token root.token -o scraper.token --force",
      "  npx bakehouse verify action=read --token scraper.token --credential default.token",
      'bakehouse: default.token is the credential of the platform "default", admin.token beside it an administrator\'s',
    ]);
  });

  test("names another address, a path with a space in quotes, and the command without npx where it is on the PATH", () => {
    const folder = started("");
    const settings = { ...embedded, publicUrl: "http://127.0.0.1:9000", dataDir: folder };
    const elsewhere = whatNext(settings, {}, "/somewhere else").join("\n");
    expect(elsewhere).toContain(
      `  bakehouse verify action=read --token scraper.token --credential ${folder}/default.token --url http://127.0.0.1:9000`,
    );
    expect(elsewhere).not.toContain("npx");
  });

  test("is nothing where a server keeps the data, and where there is no credential", () => {
    const folder = started("");
    expect(
      whatNext({ ...embedded, databaseUrl: "postgres://h/d" as never, dataDir: folder }, {}, folder),
    ).toEqual([]);
    expect(whatNext({ ...embedded, dataDir: "none" }, {}, folder)).toEqual([]);
  });
});

describe("[pglite] a service that has started", () => {
  let installed: Installed;
  let home: Home;
  let service: RunningService;

  beforeAll(async () => {
    installed = installPackage();
    home = await newEmbeddedHome();
    service = await startService(installed.script, home);
  });

  afterAll(async () => {
    await service?.end("SIGKILL");
    home?.remove();
    installed?.remove();
  });

  test("says last what works when it is pasted", async () => {
    await service.said("an administrator's");
    const said = service.stderr();
    const commands = said.split("\n").filter((line) => line.startsWith("  bakehouse "));
    expect(commands.length).toBe(3);
    const env = { PATH: `${installed.bin}:${process.env["PATH"]}`, HOME: scratchFolder("home") };
    const done = await runInShell(`set -e\n${commands.join("\n")}`, { cwd: scratchFolder("pasted"), env });
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/^allowed\n/) });
  });
});
