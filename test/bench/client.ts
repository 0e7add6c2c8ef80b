import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

import {
  createBakehouse,
  createLocalVerifier,
  Token,
  type Verifier,
  type VerifyRequest,
} from "../../src/client/index.ts";
import { encodeBundle, mint } from "../../src/macaroon/index.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { createClient } from "../support/process-client.ts";
import { credential, newEmbeddedHome, startService } from "../support/process-service.ts";
import { PINNED } from "./processes.ts";

// `node test/bench/client.ts`: what the library does a second on one core, against its targets.
// Rounds of what is compared are interleaved, and the median of each is shown: the machine is shared.

const ROUNDS = 5;
/** Starts of a process, of each kind: they are short, and so the noisiest. */
const STARTS = 41;
/** Milliseconds. */
const ROUND = 700;
const HTTP_QUESTIONS = 800;
const AT_ONCE = 16;

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** How often a second questions are answered, that were made beforehand, with so many under way at a time. */
async function answeredPerSecond(
  verifier: Verifier,
  requests: readonly VerifyRequest[],
  atOnce: number,
): Promise<number> {
  const begun = performance.now();
  let next = 0;
  const ask = async () => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      if (!(await verifier.verify(request)).allowed) throw new Error("a token was refused");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, ask));
  return (requests.length * 1000) / (performance.now() - begun);
}

/** How often a second something synchronous is done. */
function syncPerSecond(run: () => unknown): number {
  const begun = performance.now();
  let times = 0;
  while (performance.now() - begun < ROUND) {
    for (let i = 0; i < 100; i++) run();
    times += 100;
  }
  return (times * 1000) / (performance.now() - begun);
}

function show(name: string, value: number, target: string, good: boolean): void {
  const figure = value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
  process.stdout.write(`${name.padEnd(58)} ${figure.padStart(10)}   ${target}${good ? "" : "   MISSED"}\n`);
}

function benchNarrowing(): void {
  const root = Token.parse(encodeBundle([mint({ rootKey: new Uint8Array(32).fill(1), identifier: "id" })]));
  const attenuate = () => root.attenuate("action = read");
  const delegate = () => root.delegate("researcher");
  const rounds = Array.from(
    { length: ROUNDS },
    () => [syncPerSecond(attenuate), syncPerSecond(delegate)] as const,
  );
  for (const [index, name] of ["attenuate", "delegate"].entries()) {
    const value = median(rounds.map((round) => round[index] ?? 0));
    show(`${name}, a second`, value, "at least 100,000", value >= 100_000);
  }
}

async function benchLocal(): Promise<void> {
  // Both ends of HTTP and the local verifier on one core, and HTTP with enough under way that nobody waits.
  if (PINNED) spawnSync("taskset", ["-acp", "0", String(process.pid)]);
  const home = await newEmbeddedHome();
  const service = await startService(builtBundle(), home, { LOG_LEVEL: "error" });
  const token = credential(home, "default.token");
  const platform = createBakehouse({ url: service.url, credential: token });
  const verifier = createLocalVerifier({ service: platform });
  try {
    const issued = await createClient(service.url).issue(
      { token },
      { platform: "default", on_behalf_of: { subject: "alice" } },
    );
    const known = Token.parse(issued.token).delegate("orchestrator", { caveats: ["action in read, list"] });
    const context = { action: "read", resource: "repo:acme/web", args: { amount: 7 } };
    const same = known.encode();
    const descendant = (count: number) => {
      const caveats = Array.from({ length: count - 1 }, (_, index) => `args.amount <= ${100 + index}`);
      return () => known.delegate("a", { caveats }).encode();
    };
    const kinds = [
      { name: "a new descendant, two more caveats", make: descendant(2), questions: 6_000, least: 8 },
      { name: "a new descendant, ten more caveats", make: descendant(10), questions: 3_000, least: 3 },
      { name: "a token seen before", make: () => same, questions: 60_000, least: 25 },
    ];
    await verifier.ready();
    await verifier.verify({ token: same, context });
    for (const { name, make, questions, least } of kinds) {
      const local: number[] = [];
      const remote: number[] = [];
      const made = (count: number) => Array.from({ length: count }, () => ({ token: make(), context }));
      for (let round = 0; round < ROUNDS; round++) {
        local.push(await answeredPerSecond(verifier, made(questions), 1));
        remote.push(await answeredPerSecond(platform, made(HTTP_QUESTIONS), AT_ONCE));
      }
      const ratio = median(local) / median(remote);
      show(`${name}: local, a second`, median(local), "", true);
      show(`${name}: HTTP, a second`, median(remote), "", true);
      show(`${name}: times HTTP`, ratio, `at least ${least}`, ratio >= least);
    }
    const { local, asked } = verifier.counts;
    process.stdout.write(`answered here ${local}, asked ${asked}\n`);
  } finally {
    verifier.close();
    await service.end("SIGTERM");
    home.remove();
  }
}

function benchStart(): void {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-bench-"));
  const dist = dirname(builtBundle("src/main.ts", "library"));
  for (const name of ["index.js", "macaroon.js"]) {
    const code = readFileSync(join(dist, name));
    show(`${name}, kB minified`, code.length / 1000, "", true);
    show(`${name}, kB as gzip`, gzipSync(code).length / 1000, "", true);
  }
  // As installed: below a package.json that says what kind of script it is, or Node reads it twice to find out.
  const library = join(folder, "index.js");
  copyFileSync(join(dist, "index.js"), library);
  writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
  const token = encodeBundle([mint({ rootKey: new Uint8Array(32).fill(1), identifier: "id" })]);
  const empty = join(folder, "empty.mjs");
  const first = join(folder, "first.mjs");
  writeFileSync(empty, "");
  writeFileSync(
    first,
    `import { Token } from ${JSON.stringify(library)};\nToken.parse(${JSON.stringify(token)}).attenuate("action = read").encode();\n`,
  );
  const time = (script: string) => {
    const begun = performance.now();
    const { status } = spawnSync(process.execPath, [script]);
    if (status !== 0) throw new Error(`${script} failed`);
    return performance.now() - begun;
  };
  // Each goes first every other time: what a process leaves behind in the machine slows whichever comes after it.
  const rounds = Array.from({ length: STARTS }, (_, round) => {
    if (round % 2 === 0) return [time(empty), time(first)] as const;
    const something = time(first);
    return [time(empty), something] as const;
  });
  const nothing = median(rounds.map(([value]) => value));
  const something = median(rounds.map(([, value]) => value));
  show("an empty script, ms", nothing, "", true);
  show("import and first attenuate, ms", something, "", true);
  show("times an empty script", something / nothing, "at most 1.5", something / nothing <= 1.5);
  rmSync(folder, { recursive: true });
}

benchNarrowing();
benchStart();
await benchLocal();
