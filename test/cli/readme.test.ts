import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";

import { SERVER_COMMANDS } from "../../src/cli/cli.ts";
import { boxPublicKey, encodeBase64Url } from "../../src/macaroon/index.ts";
import { atLength } from "../support/form.ts";
import { readManual } from "../support/manual.ts";
import { type OwnService, startOwnService } from "../support/own-service.ts";
import { type Installed, installPackage } from "../support/package.ts";
import { freePort } from "../support/process-service.ts";
import { person } from "./person.ts";
import { runInShell, steady } from "./transcript.ts";

const { code: commands, table: tabled, text: COMMANDS } = readManual("src/cli/README.md");
const { code: core } = readManual("src/macaroon/README.md");
const { code, answer, table: exports, text: LIBRARY } = readManual("src/client/README.md");

let installed: Installed;
let service: OwnService;
let env: Record<string, string>;

beforeAll(async () => {
  installed = installPackage();
  service = await startOwnService();
  env = {
    PATH: `${installed.bin}:${process.env["PATH"] ?? ""}`,
    HOME: installed.folder,
    BAKEHOUSE_URL: service.url,
  };
});

afterAll(async () => {
  await service?.stop();
  installed?.remove();
});

const shell = (
  command: string,
  more: Readonly<Record<string, string>> = {},
  watch: (said: string) => void = person("alice"),
) => runInShell(command, { cwd: installed.folder, env: { ...env, ...more }, watch });

/** Runs a snippet as a module beside the installed package. */
function run(snippet: string, more: Readonly<Record<string, string>>) {
  writeFileSync(join(installed.folder, "snippet.ts"), snippet);
  return shell("exec node snippet.ts", more);
}

const here = (text: string) =>
  text.replaceAll("http://127.0.0.1:8080", service.url).replaceAll("data/", `${service.dataDir}/`);

atLength(() => {
  test("the session is ten lines, each does what it says, and an approval goes on in the same shell", async () => {
    const session = commands("cli");
    expect(session.split("\n")).toHaveLength(10);
    // Alice logs in, and later reads the approval's page.
    const [atLogin, atPage] = [person("alice"), person("alice")];
    const {
      stdout,
      stderr,
      code: exit,
    } = await shell(`set -e\n${here(session)}\n${here(commands("cli-approval"))}`, {}, (said) => {
      const [before = "", after] = said.split("logged in as alice", 2);
      if (after === undefined) atLogin(before);
      else atPage(after);
    });
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    const answers = stdout.split("\n").filter((line) => /^(allowed|refused|ended)/.test(line));
    expect(answers).toEqual([
      "allowed",
      "refused: caveat_failed",
      "ended with 3",
      "refused: revoked",
      "ended with 3",
      "allowed",
      "allowed",
    ]);
    expect(stderr).toContain("logged in as alice");
    expect(stdout).toMatch(/granted .* Pay the printers\n/);
  });
});

atLength(() => {
  test("the programs of the library's page run in its order in one shell, and print what it shows", async () => {
    for (const marker of ["service", "agent", "shell", "third-party"]) {
      const lines = code(marker)
        .split("\n")
        .filter((line) => line.trim() !== "");
      expect(lines.length, marker).toBeLessThanOrEqual(10);
    }
    const port = String(await freePort());
    const programs = ["service", "issue", "agent", "model", "price", "holder", "third-party", "this-call"];
    for (const name of programs) {
      expect(code(name)).toMatch(new RegExp(`^// ${name}\\.ts\n`));
      writeFileSync(join(installed.folder, `${name}.ts`), code(name));
    }
    const told = (text: string) => here(text).replaceAll("8081", port);
    const {
      code: exit,
      stdout,
      stderr,
    } = await shell(`set -e
      ${told(code("settings"))}
      node service.ts &
      trap "kill $!" EXIT
      until curl -s -o answer http://127.0.0.1:${port}/; do sleep 0.1; done
      ${told(code("shell"))}
      echo ---
      BAKEHOUSE_TOKEN=$(node agent.ts) bakehouse inspect
      echo ---
      BAKEHOUSE_TOKEN=$(node issue.ts) bakehouse inspect
      for each in price holder third-party; do echo ---; node $each.ts; done
      ${told(code("gated"))}
      echo ---
      node this-call.ts`);
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    const [fetched, narrowed, issued, charged, held, sealed, paying] = stdout
      .split("---\n")
      .map((said) => steady(said.trim()));
    expect(fetched).toBe(answer("shell"));
    expect(narrowed).toMatch(/researcher#INSTANCE\n {2}action = read\n {2}args.amount <= 20\n {2}time < /);
    expect(issued).toMatch(/tool = pay\n {2}args.amount <= 100/);
    expect(charged).toBe(answer("price"));
    expect(held).toMatch(/^{"Authorization":"DPoP /);
    expect(sealed).toBe(steady(answer("third-party")));
    expect(paying).toBe("TOKEN");
  });
});

test("the manuals name every command, exit code and export", async () => {
  const { stdout: help } = await shell("bakehouse --help");
  const named = [...help.matchAll(/^ {2}bakehouse ([a-z-]+)/gm)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(15);
  expect(tabled("commands").flat().sort()).toEqual([...SERVER_COMMANDS, ...named].sort());
  const plain = COMMANDS.replaceAll("`", "").replace(/ +/g, " ");
  for (const [, code, meaning] of help.matchAll(/^ {2}(\d) {2}(.*)$/gm))
    expect(plain).toContain(`| ${code} | ${meaning} |`);

  const { stdout } = await run(`console.log(Object.keys(await import("bakehouse")).join(" "));`, {});
  expect(exports("exports").flat().sort()).toEqual(stdout.trim().split(" ").sort());
});

test("the core alone narrows a token", async () => {
  const { stdout: token } = await shell("bakehouse issue --credential $CREDENTIAL --on-behalf-of alice", {
    CREDENTIAL: join(service.dataDir, "default.token"),
  });
  const snippet = `const token = process.env.TOKEN;\n${core("attenuate")}\nconsole.log(handedOn);`;
  const { stdout: narrowed } = await run(snippet, { TOKEN: token.trim() });
  const seen = await shell("bakehouse inspect", { BAKEHOUSE_TOKEN: narrowed.trim() });
  expect(seen.stdout).toMatch(/researcher#1\n {2}args.amount <= 20\n/);
});

test("a third party's caveat is written offline", async () => {
  const { stdout: token } = await shell(
    "bakehouse issue --credential token-file --on-behalf-of alice 2> /dev/null || true",
  );
  expect(token).toBe("");
  const issued = await shell(
    `bakehouse issue --credential ${service.dataDir}/default.token --on-behalf-of alice`,
  );
  const key = encodeBase64Url(boxPublicKey(new Uint8Array(32).fill(5)));
  const done = await run(code("third-party"), { BAKEHOUSE_TOKEN: issued.stdout.trim(), PARTY_KEY: key });
  expect(done.stdout).toMatch(/^1 Until .*only with a proof from/);
});

atLength(() => {
  test("a model's call is charged at what it took", async () => {
    const platform = `--credential ${service.dataDir}/default.token`;
    const issued = await shell(`bakehouse issue ${platform} --on-behalf-of alice 'spend.tokens <= 1000'`);
    writeFileSync(join(installed.folder, "model.ts"), code("model"));
    const as = {
      BAKEHOUSE_TOKEN: issued.stdout.trim(),
      BAKEHOUSE_CREDENTIAL: service.credential("default.token"),
    };
    expect(await run(code("price"), as)).toMatchObject({ code: 0, stdout: "Rayleigh\n", stderr: "" });
    const seen = await shell(`bakehouse explain ${platform} --cost tokens=0`, as);
    expect(seen.stdout).toContain("spend.tokens <= 1000, 900 left");
  });
});

atLength(() => {
  test("a key holds a token, and the headers of its call are what the service takes", async () => {
    const platform = `--credential ${service.dataDir}/default.token`;
    const issued = await shell(`bakehouse issue ${platform} --on-behalf-of alice`);
    const done = await run(code("holder"), { BAKEHOUSE_TOKEN: issued.stdout.trim() });
    const headers = JSON.parse(done.stdout);
    const texts = {
      held: headers.Authorization.slice(5),
      dpop: headers.DPoP,
      word: headers["Bakehouse-Endorsements"],
    };
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(installed.folder, name), text);
    const call = "--method GET --uri https://api.example/files";
    const verify = () =>
      shell(`bakehouse verify ${platform} --token held --proof dpop ${call} --endorsement word`);
    expect((await verify()).stdout).toMatch(/^allowed/);
    expect((await verify()).stdout).toMatch(/^refused: holder_proof_invalid/);
  });
});

atLength(() => {
  test("a yes is asked for one call", async () => {
    const platform = `--credential ${service.dataDir}/default.token`;
    const gated = await shell(
      `bakehouse issue ${platform} --on-behalf-of alice | bakehouse attenuate --third-party 'exact approved-by alice Pay'`,
    );
    const done = await run(code("this-call"), { BAKEHOUSE_TOKEN: gated.stdout.trim() });
    writeFileSync(join(installed.folder, "paying.token"), done.stdout);
    const verify = (call: string) => shell(`bakehouse verify ${platform} --token paying.token ${call}`);
    expect((await verify("tool=pay args.amount=40 args.to=printers")).stdout).toMatch(/^allowed/);
    expect((await verify("tool=pay args.amount=40 args.to=mallory")).stdout).toMatch(
      /^refused: caveat_failed/,
    );
  });
});

test("the bundle's size is what is said, within a tenth, and less for who needs less", async () => {
  const folder = join(installed.folder, "node_modules", "bakehouse", "dist");
  async function size(source: string): Promise<readonly [number, number]> {
    const input = join(installed.folder, "entry.js");
    writeFileSync(input, source);
    const bundle = await rolldown({ input, platform: "neutral" });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    await bundle.close();
    return [output[0].code.length / 1000, gzipSync(output[0].code).length / 1000];
  }
  async function said(marker: string, file: string): Promise<readonly [number, number]> {
    const [, minified, zipped] =
      new RegExp(`<!-- ${marker} -->(\\d+) kB minified, (\\d+) kB as gzip`).exec(LIBRARY) ?? [];
    const whole = await size(`export * from ${JSON.stringify(join(folder, file))};`);
    expect(Math.abs(whole[0] / Number(minified) - 1), file).toBeLessThan(0.1);
    expect(Math.abs(whole[1] / Number(zipped) - 1), file).toBeLessThan(0.1);
    return whole;
  }
  await said("core", "macaroon.js");
  const all = await said("bundle", "index.js");
  const one = await size(`export { readBearer } from "bakehouse";`);
  expect(one[0]).toBeLessThan(all[0] / 2);
});
