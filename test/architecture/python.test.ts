import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PACKAGE = "src/client/python/bakehouse";

/** The library's modules, by their paths below the package. */
const MODULES = readdirSync(join(ROOT, PACKAGE), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".py"))
  .sort();
const textOf = (file: string) => readFileSync(join(ROOT, PACKAGE, file), "utf8");

/** The parts of Python's own library that it may use: one more is a decision. */
const STANDARD = new Set(
  `__future__ base64 collections collections.abc dataclasses datetime decimal functools hashlib hmac http.client
  ipaddress json queue random re secrets ssl threading time types typing unicodedata urllib.parse urllib.request`.split(
    /\s+/,
  ),
);

const importsOf = (file: string) =>
  [...textOf(file).matchAll(/^(?:from (\S+) import |import (\S+))/gm)].map(
    ([, from, plain]) => from ?? plain ?? "",
  );

/** The file that a relative import names. */
function target(file: string, specifier: string): string {
  const dots = /^\.+/.exec(specifier)?.[0].length ?? 0;
  const folder = posix.join(dirname(file), "../".repeat(dots - 1));
  const path = posix.join(folder, specifier.slice(dots).replaceAll(".", "/"));
  return MODULES.includes(`${path}.py`) ? `${path}.py` : posix.join(path, "__init__.py");
}

test("the Python library imports itself and Python's own library alone", () => {
  expect(MODULES.length).toBeGreaterThan(20);
  const foreign = MODULES.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !specifier.startsWith("."))
      .filter((specifier) => !STANDARD.has(specifier))
      .map((specifier) => `${file} imports ${specifier}`),
  );
  expect(foreign).toEqual([]);
});

test("no circle of its modules, and the pure ones know neither network nor clock", () => {
  const reached = (start: string) => {
    const seen = new Set<string>();
    const open = [start];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      for (const specifier of importsOf(file).filter((one) => one.startsWith("."))) {
        const next = target(file, specifier);
        expect(MODULES, `${file} imports ${specifier}`).toContain(next);
        if (!seen.has(next)) open.push(next);
        seen.add(next);
      }
    }
    return seen;
  };
  expect(MODULES.filter((file) => reached(file).has(file))).toEqual([]);
  const impure = new Set(["http.client", "urllib.request", "ssl", "threading", "time", "random", "secrets"]);
  const pure = MODULES.filter((file) =>
    /^(?:codec|language)\/|^(?:chain|jsontext|inspection|identifier)\.py$/.test(file),
  );
  expect(pure.length).toBeGreaterThan(10);
  const wrong = pure.flatMap((file) =>
    [file, ...reached(file)].filter((one) => importsOf(one).some((specifier) => impure.has(specifier))),
  );
  expect(wrong).toEqual([]);
});

test("its files hold one idea, say what it is, and leave nothing to do", () => {
  expect(MODULES.filter((file) => textOf(file).split("\n").length > 400)).toEqual([]);
  expect(MODULES.filter((file) => !textOf(file).startsWith('"""'))).toEqual([]);
  expect(MODULES.filter((file) => /\bTODO\b|\bFIXME\b/.test(textOf(file)))).toEqual([]);
  const counts = new Map<string, number>();
  for (const file of MODULES) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 25)).toEqual([]);
});

test("its package has the version, the folders and the licence of this one", () => {
  const project = readFileSync(join(ROOT, PACKAGE, "../pyproject.toml"), "utf8");
  const { version, license } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  expect(project).toContain(`\nversion = "${version}"\n`);
  expect(project).toContain(`text = "${license}"`);
  expect(project).toContain("\ndependencies = []\n");
  const packages = [
    ...new Set(MODULES.map((file) => posix.join("bakehouse", dirname(file)).replaceAll("/", "."))),
  ];
  expect(project).toContain(
    `packages = [${packages
      .sort()
      .map((name) => `"${name}"`)
      .join(", ")}]`,
  );
});
