import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { LONG, longFiles, longOnlyFiles } from "../long.ts";

const FOLDER = join(import.meta.dirname, "..");
const textOf = (file: string) => readFileSync(join(FOLDER, file), "utf8");

test("every file that leaves something to the long form is in the list, and no other", () => {
  const asks = globSync("**/*.test.ts", { cwd: FOLDER }).filter((file) =>
    /support\/form\.ts"|\bdescribeService\(|\bdescribeOnEachDatabase\(/.test(textOf(file)),
  );
  expect(asks.length).toBeGreaterThan(50);
  expect([...longFiles()].filter((file) => !longOnlyFiles().includes(file))).toEqual(
    asks.filter((file) => !file.endsWith("architecture/long.test.ts")).sort(),
  );
});

test("what only the long form has is said, with what every run has instead and why", () => {
  for (const part of LONG) {
    expect(part.files.length, part.long).toBeGreaterThan(0);
    for (const text of [part.long, part.short, part.why]) expect(text.length).toBeGreaterThan(10);
  }
});

test("what stands for it is in every run", () => {
  const named = LONG.flatMap(({ short }) =>
    [...short.matchAll(/[\w-]+(?:\/[\w-]+)+\.test\.ts/g)].map(([file]) => file),
  );
  expect(named.length).toBeGreaterThan(10);
  const all = globSync("**/*.test.ts", { cwd: FOLDER });
  for (const file of named) {
    expect(all, file).toContain(file);
    expect(longOnlyFiles(), file).not.toContain(file);
  }
});

test("a suite that has one database in each form leaves nothing else to one of them", () => {
  // It would never run on the other database.
  const sharing = globSync("**/*.test.ts", { cwd: FOLDER }).filter((file) => {
    const text = textOf(file);
    return /\bdescribeService\(|\bdescribeOnEachDatabase\(/.test(text) && /support\/form\.ts"/.test(text);
  });
  // Of these the other part stands beside the suite, or says that it runs on both.
  expect(sharing.sort()).toEqual([
    "revocation/model.test.ts",
    "revocation/targets.test.ts",
    "service/bootstrap-turns.test.ts",
  ]);
});

test("a suite that shares a server's cases out has both databases in the long form", () => {
  const sharing = globSync("**/*.test.ts", { cwd: FOLDER }).filter((file) =>
    /\bcasesOn\(/.test(textOf(file)),
  );
  for (const file of sharing) expect(textOf(file), file).toContain("databasesAtLength()");
  expect(sharing).toContain("oauth/mortal-grants.test.ts");
});
