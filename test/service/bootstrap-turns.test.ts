import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { credentialFiles } from "../../src/run/data-dir.ts";
import { lockFile } from "../../src/storage/engine/folder-lock.ts";
import { emptyDatabaseUrl } from "../support/database.ts";
import { atLength } from "../support/form.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { newHome } from "../support/process-service.ts";
import { reach } from "../support/reach.ts";
import { scratchFolder } from "../support/scratch.ts";
import { bearer, describeService } from "../support/service.ts";

function makeFolder(): string {
  const folder = scratchFolder("turns");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("work in one folder is done in turn, failed work included", async () => {
  const files = credentialFiles(makeFolder());
  let inside = 0;
  const work = (fails: boolean) =>
    files.inTurn(async () => {
      inside += 1;
      expect(inside).toBe(1);
      await Promise.resolve();
      inside -= 1;
      if (fails) throw new Error("planted");
      return "done";
    });
  const done = await Promise.allSettled([work(false), work(true), work(false), work(true), work(false)]);
  expect(done.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("a turn that does not come is refused, and nothing is done", async () => {
  const folder = makeFolder();
  const path = join(folder, "bootstrap.lock");
  const other = lockFile(path);
  const impatient = credentialFiles(folder, 50);
  let worked = false;
  const work = () =>
    impatient.inTurn(async () => {
      worked = true;
    });
  await expect(work()).rejects.toMatchObject({
    name: "FolderLockedError",
    message: `folder ${folder} is being bootstrapped by another process`,
  });
  expect(worked).toBe(false);
  other?.release();
  await work();
  expect(worked).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

describeService("credentials renewed by many at once in one folder", (service) => {
  test("are lost by none: each publishes what it has put on record", async () => {
    const many = Array.from({ length: 5 }, () => service().replica());
    const outcomes = await Promise.all(many.map(({ bootstrap }, index) => bootstrap.run(index !== 2)));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "reissued",
      "reissued",
      "there already",
      "reissued",
      "reissued",
    ]);
    for (const done of outcomes) if ("paths" in done) expect(done.paths).toHaveLength(2);
    expect(readdirSync(service().folder).filter((name) => name.includes("staged"))).toEqual([]);
    expect((await service().get("/v1/platforms", bearer(service().adminToken))).status).toBe(200);
  });
});

atLength(() => {
  test("[postgres] the same by processes: all succeed, and what lies there is whole", async () => {
    const home = newHome(reach(await emptyDatabaseUrl()).owner);
    onTestFinished(() => home.remove());
    const command = async (...args: readonly string[]) => {
      const running = run(builtBundle(), ["bootstrap", ...args], { env: home.env });
      return { code: (await running.ended).code, said: running.stderr() };
    };
    expect((await command()).code).toBe(0);
    const done = await Promise.all([command("--reissue"), command(), command("--reissue")]);
    expect(done.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(done.filter(({ said }) => said.split("wrote").length === 3)).toHaveLength(2);
    for (const name of ["admin.token", "default.token"]) {
      expect(readFileSync(join(home.dataDir, name), "utf8")).toMatch(/^[\w-]{100,}\n$/);
      expect(existsSync(join(home.dataDir, `${name}.staged`))).toBe(false);
    }
  });
});
