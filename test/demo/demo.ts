import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { createClient, signIn } from "../support/process-client.ts";
import { depthFive, hand, openHouse } from "./house.ts";

// What `npm run demo` runs: a whole life of a token against the built service, told as a story. It exits 0
// only if every answer was the expected one. With `--tree FILE` it leaves a drawing there of what verify saw.

const { values, positionals } = parseArgs({ options: { tree: { type: "string" } }, allowPositionals: true });
const bundle = positionals[0] ?? join(import.meta.dirname, "..", "..", "dist", "bakehouse.js");
if (!existsSync(bundle)) throw new Error(`there is no ${bundle}: run npm run build`);

const FAILED = "caveat_failed";
/** Octets of one header line that common proxies take unless told otherwise. */
const HEADER_LIMIT = 4096;

const write = (line: string) => void process.stdout.write(`${line}\n`);
let unexpected = 0;
let asked = 0;

/** Writes what was answered, and keeps count of what should have been answered otherwise. */
function expect(good: boolean, line: string): void {
  asked += 1;
  if (!good) unexpected += 1;
  write(`  ${good ? line : `${line}   <-- NOT AS EXPECTED`}`);
}

async function tell(url: string, platform: { readonly token: string }): Promise<void> {
  const api = createClient(url);

  write("1. Alice signs in through the login pages and takes a root macaroon.");
  const alice = { session: await signIn(url, { name: "Alice", email: "alice@example.com" }) };
  const root = await api.issue(alice, {
    platform: "default",
    ttl: 3600,
    caveats: ["action in read, list, comment", "resource matches repo:acme/**"],
  });
  const { principal } = root;
  expect(principal.subject === "alice", `It is for ${principal.subject}, for an hour. ${root.summary}`);

  write("2. It is delegated offline: no key, no network, and nobody has to be asked.");
  const orchestrator = hand(root.token, "orchestrator", "action in read, list");
  const researcher = hand(orchestrator, "researcher", "resource matches repo:acme/web/**");
  const scrapers = [1, 2, 3].map((number) => hand(researcher, `scraper-${number}`, "args.pages <= 20"));
  const five = [
    { name: "orchestrator", token: orchestrator },
    { name: "  researcher", token: researcher },
    ...scrapers.map((token, index) => ({ name: `    scraper-${index + 1}`, token })),
  ];
  for (const { name, token } of [{ name: "alice", token: root.token }, ...five]) {
    write(`  ${name.padEnd(16)} ${token.length} characters`);
  }

  write("3. The platform asks Bakehouse before each call.");
  const [scraper = ""] = scrapers;
  const page = { action: "read", resource: "repo:acme/web/index.md", args: { pages: 3 } };
  for (const { call, token, context, code } of [
    { call: "scraper-1 reads acme/web", token: scraper, context: page, code: undefined },
    {
      call: "scraper-1 writes acme/web",
      token: scraper,
      context: { ...page, action: "write" },
      code: FAILED,
    },
    {
      call: "scraper-1 reads acme/payroll",
      token: scraper,
      context: { ...page, resource: "repo:acme/payroll/may.csv" },
      code: FAILED,
    },
    {
      call: "scraper-1 reads 500 pages",
      token: scraper,
      context: { ...page, args: { pages: 500 } },
      code: FAILED,
    },
    {
      call: "orchestrator comments",
      token: orchestrator,
      context: { ...page, action: "comment" },
      code: FAILED,
    },
    { call: "alice comments", token: root.token, context: { ...page, action: "comment" }, code: undefined },
  ]) {
    const verdict = await api.verify(platform, token, context);
    const why = verdict.allowed ? "allowed" : `${verdict.code}: ${verdict.detail}`;
    expect((verdict.allowed ? undefined : verdict.code) === code, `${call.padEnd(28)} ${why}`);
  }
  const seen = await api.verify(platform, scraper, page);
  const trail = seen.allowed ? seen.agents.map((agent) => agent.split("#")[0]).join(" > ") : "";
  expect(trail === "orchestrator > researcher > scraper-1", `who handed it on to scraper-1: ${trail}`);

  write("4. The researcher has been talked into something. Alice revokes its link, and nothing else.");
  const held = await api.verify(platform, researcher, page);
  const link = held.allowed ? held.revocation_id : "";
  const { revocations } = await api.revoke(alice, { revocation_id: link }, "prompt injection");
  expect(revocations.length === 1, `revoked ${link}, which the service never saw being minted`);

  write("5. From that answer on, the researcher and all that it handed on are refused:");
  const late = hand(researcher, "scraper-4", "args.pages <= 1");
  for (const { name, token, passes } of [
    ...five.map((one) => ({ ...one, passes: one.token === orchestrator })),
    { name: "    scraper-4", token: late, passes: false },
  ]) {
    const verdict = await api.verify(platform, token, page);
    const right = passes ? verdict.allowed : !verdict.allowed && verdict.code === "revoked";
    const note = token === late ? " (minted after the revocation, from the dead link)" : "";
    expect(right, `${name.padEnd(16)} ${verdict.allowed ? "still allowed" : verdict.code}${note}`);
  }
  const again = hand(orchestrator, "researcher", "resource matches repo:acme/web/**");
  const fresh = await api.verify(platform, again, page);
  expect(fresh.allowed, "a new researcher, handed the same by the orchestrator, works: it is another link");

  if (values.tree !== undefined) {
    const path = `/v1/tokens/${root.token_id}/tree`;
    const { text } = await api.call("GET", path, { as: alice, headers: { accept: "image/svg+xml" } });
    writeFileSync(values.tree, text);
  }

  const deep = depthFive(root.token);
  const { length } = `Authorization: Bearer ${deep}`;
  const verdict = await api.verify(platform, deep, page);
  expect(
    verdict.allowed && length < HEADER_LIMIT,
    `a token five links deep, with two caveats a link: ${deep.length} characters, of ${HEADER_LIMIT} that proxies take`,
  );
}

const house = openHouse(bundle);
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted = true;
    void house.close().finally(() => process.exit(1));
  });
}
try {
  const { url, credential } = await house.start();
  write(`Bakehouse runs at ${url}, on ${house.database}, with a data folder that goes when this ends.`);
  await tell(url, { token: credential });
  write(
    unexpected === 0
      ? `All ${asked} answers were as expected.`
      : `${unexpected} of ${asked} answers were not as expected.`,
  );
} catch (error) {
  unexpected += 1;
  if (!interrupted) write(`The demo broke off: ${error instanceof Error ? error.message : "unknown"}`);
} finally {
  await house.close();
}
process.exitCode = unexpected === 0 ? 0 : 1;
