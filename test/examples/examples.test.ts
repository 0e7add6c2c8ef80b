/** Every example runs, from the packed package as a user has it, and says what its folder holds. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { casesOf } from "../support/form.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { type Installed, installPackage } from "../support/package.ts";
import { commandOf, EXAMPLES, play } from "./play.ts";

/** What a platform does with a token, and what an agent does. */
const SHORT = ["hono-api", "orchestrator"];

describe("[postgres] the examples", () => {
  let installed: Installed;
  let service: OwnService;
  let folder: string;

  beforeAll(async () => {
    installed = installPackage();
    folder = join(installed.folder, "examples");
    cpSync(import.meta.dirname, folder, { recursive: true });
    // The frameworks that a reader has chosen: the client brings none.
    for (const name of ["express", "hono", "@hono/node-server"]) {
      const framework = join(installed.folder, "node_modules", name);
      mkdirSync(join(framework, ".."), { recursive: true });
      symlinkSync(join(import.meta.dirname, "../../node_modules", name), framework);
    }
    service = await startOwnService();
  });

  afterAll(async () => {
    await service?.stop();
    installed?.remove();
  });

  test.each(casesOf(EXAMPLES, (name) => SHORT.includes(name)))("%s", async (name) => {
    if (commandOf(folder, name) === undefined) {
      process.stderr.write(`no Python 3.10 or later on this machine: ${name} was not run\n`);
      return;
    }
    const as = { folder, url: service.url, credential: service.credential("default.token") };
    const { code, stdout, stderr } = await play(name, as);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const file = join(import.meta.dirname, name, "output.txt");
    if (process.env["BAKEHOUSE_UPDATE_TRANSCRIPTS"] === "1") writeFileSync(file, steady(stdout));
    expect(steady(stdout)).toBe(readFileSync(file, "utf8"));
  });

  test("are all in the list", () => {
    const list = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
    const listed = [...list.matchAll(/^\| \[`([\w-]+)`\]/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(EXAMPLES.toSorted());
  });
});

/** Without what differs from run to run: an approval's page and code, and which link was revoked when. */
function steady(text: string): string {
  return text
    .replace(/http:\S+\/approvals\/\S+/, "PAGE")
    .replace(/compare: \S+/, "compare: CODE")
    .replace(/^(.*(?:again: 401|again: revoked,)) .*/m, "$1 …");
}
