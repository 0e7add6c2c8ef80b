import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { OLDEST, othersByVersion } from "../support/other-nodes.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { opened } from "../support/service-macaroons.ts";

const OTHERS = othersByVersion();
if (OTHERS.size === 0) {
  process.stderr.write(
    `no other Node from ${OLDEST} on is in PATH: the package runs on ${process.version} alone\n`,
  );
}

/** Two lists of one attribute have to be merged, and a value that nothing satisfies has to be found. */
const CAVEATS = ["action in read, list", "action in read, write", "region = eu", "region = us"];

/** A use of the library as other programs make it. It says the same on every Node. */
const PROGRAM = `
  const [library, core, token] = process.argv.slice(2);
  const { Token, allow, atMost, createBakehouse, createLocalVerifier } = await import(library);
  const { decodeBundle, revocationId } = await import(core);
  const narrowed = Token.parse(token).attenuate(allow.action("read"), atMost("args.amount", 20));
  const decoded = decodeBundle(narrowed.encode());
  const service = createBakehouse({
    url: "http://127.0.0.1:1",
    credential: token,
    fetch: () => Promise.reject(new TypeError("nobody is there")),
  });
  const verifier = createLocalVerifier({ service });
  const asked = await verifier.verify({ token: narrowed.encode(), context: {} }).catch((error) => error.code);
  verifier.close();
  console.log(JSON.stringify([
    narrowed.encode(),
    narrowed.inspect().summary,
    revocationId(decoded.macaroons[0].signature).text,
    asked,
  ]));
`;

describe("on another Node", () => {
  let folder: string;
  let dist: string;
  const token = encodeBundle([
    mint({ location: "http://127.0.0.1:8080", identifier: "older-node", rootKey: new Uint8Array(32) }),
  ]);
  const contradicting = encodeBundle([attenuate(opened(token)[0], CAVEATS)]);

  beforeAll(() => {
    dist = join(dirname(builtBundle("src/main.ts", "library")), "packages", "bakehouse", "dist");
    folder = mkdtempSync(join(tmpdir(), "bakehouse-node-"));
    writeFileSync(join(folder, "program.mjs"), PROGRAM);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(node: string, args: readonly string[], input = token) {
    const env = { HOME: folder, BAKEHOUSE_URL: "http://127.0.0.1:1" };
    const { status, stdout, stderr } = spawnSync(node, [...args], {
      encoding: "utf8",
      input,
      cwd: folder,
      env,
    });
    return { code: status, stdout, stderr };
  }

  test.each([
    ["says what there is", ["--help"], 0],
    ["narrows a token", ["attenuate", ...CAVEATS], 0],
    ["inspects a token that contradicts itself", ["inspect"], 0],
    ["cannot reach anybody", ["status"], 5],
  ])("the command line %s", (_name, args, code) => {
    const here = run(process.execPath, [join(dist, "bakehouse.js"), ...args], contradicting);
    expect(here.code, here.stderr).toBe(code);
    for (const node of OTHERS.values())
      expect(run(node, [join(dist, "bakehouse.js"), ...args], contradicting), node).toEqual(here);
  });

  test("the library narrows, reads and asks", () => {
    const program = [join(folder, "program.mjs"), join(dist, "index.js"), join(dist, "macaroon.js"), token];
    const here = run(process.execPath, program);
    expect(here).toMatchObject({ code: 0, stderr: "" });
    expect(here.stdout).toContain('"unreachable"');
    for (const node of OTHERS.values()) expect(run(node, program), node).toEqual(here);
  });
});
