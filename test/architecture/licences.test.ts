/** The licences of all that is installed, as the lock file has them: nothing may ask more of those who use this than this does. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");

/** Licences that ask for no more than that their text goes with the copy. */
const FREE = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
];

/** What has another licence, or none that the registry tells, and why it may be here all the same. */
const EXCEPTIONS: readonly {
  readonly packages: RegExp;
  readonly licence: string | undefined;
  readonly why: string;
}[] = [
  {
    packages: /^(axe-core|lightningcss(-[\w-]+)?)$/,
    licence: "MPL-2.0",
    why: "tests and the build run them as they are; nothing of them is changed, bundled or shipped",
  },
  {
    packages: /^(@biomejs\/cli|@oxc-parser\/binding)-[\w-]+$/,
    licence: undefined,
    why: "binaries of biome (MIT or Apache-2.0) and oxc (MIT) for other platforms, which the lock file knows by name alone",
  },
  {
    packages: /^(ssh2|buildcheck|cpu-features)$/,
    licence: undefined,
    why: "MIT, in an old form of the field that the registry does not repeat; brought by testcontainers",
  },
];

const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      license: z.string().optional(),
      link: z.boolean().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      optional: z.boolean().optional(),
    }),
  ),
});

const INSTALLED = Object.entries(
  lock.parse(JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"))).packages,
)
  .filter(([path, { link }]) => path.includes("node_modules/") && link !== true)
  .map(([path, { license, dev, devOptional }]) => ({
    name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
    licence: license,
    isShipped: dev !== true && devOptional !== true,
  }));

/** Whether one of the licences between which an expression (SPDX) leaves the choice is free; nothing here has `AND`. */
function isFree(licence: string | undefined): boolean {
  const choices = (licence ?? "").replaceAll(/[()]/g, "").split(" OR ");
  return choices.some((choice) => FREE.includes(choice));
}

const excepted = (one: { readonly name: string; readonly licence: string | undefined }) =>
  EXCEPTIONS.find(({ packages, licence }) => packages.test(one.name) && licence === one.licence);

test("everything that is installed has a licence that asks for nothing, or stands among the exceptions", () => {
  expect(INSTALLED.length).toBeGreaterThan(300);
  const others = INSTALLED.filter((one) => !isFree(one.licence) && excepted(one) === undefined);
  expect(others.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
});

test("what is shipped needs no exception, and every exception is needed", () => {
  const shipped = INSTALLED.filter(({ isShipped }) => isShipped);
  expect(shipped.length).toBeGreaterThan(15);
  expect(shipped.filter(({ licence }) => !isFree(licence))).toEqual([]);
  const needed = new Set(INSTALLED.map(excepted));
  expect(EXCEPTIONS.filter((one) => !needed.has(one))).toEqual([]);
});
