import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the short form of the tests leaves out, and why. */
interface LongPart {
  /** The test files that have it. */
  readonly files: readonly string[];
  /** What only the long form has. */
  readonly long: string;
  /** What every run has instead. */
  readonly short: string;
  readonly why: string;
  /** Whether the short form has nothing of these files. */
  readonly isWhole?: true;
}

const PROCESSES = "each of them starts processes, a second or two of a processor apiece";

/** Where suites run on both databases, one after the other. */
const ON_EACH = /\bdescribeService\(|\bdescribeOnEachDatabase\(/;

const testFiles = (): readonly string[] => globSync("**/*.test.ts", { cwd: import.meta.dirname }).sort();

/** Test files by what their text holds. */
const having = (pattern: RegExp): readonly string[] =>
  testFiles().filter((file) => pattern.test(readFileSync(join(import.meta.dirname, file), "utf8")));

/**
 * All that `npm test` has in a short form alone. Two slow cores run it in five minutes; `npm run test:long` runs the rest.
 *
 * A file asks support/form.ts which form it is in, and is named here.
 */
export const LONG: readonly LongPart[] = [
  {
    files: having(ON_EACH),
    long: "the use cases, and what touches SQL, on the embedded database; three quarters of the table of revoked grants on both",
    short:
      "all of it on a server, of that table three cells of each kind and of each target; on both, transactions and faults (`storage/store` and `guard`); the embedded one wherever a command is started, and under the client",
    why: "both are the same Postgres, behind the same statements",
  },
  {
    files: ["crash/crash.test.ts"],
    long: "kill -9 at each step of a start, an issue, a revocation, a charge and the audit tree, and under load, on both databases",
    short:
      "after the commit of a revocation, on a server; a start that is cut off in service/starts.test.ts, charges of which the database is killed in service/budget-children.test.ts",
    why: `a hundred starts: ${PROCESSES}`,
  },
  {
    files: ["cli/transcripts.test.ts", "cli/readme.test.ts", "examples/examples.test.ts"],
    long: "every transcript of the packed command, every program of the manuals, every example",
    short: "the story, the help, the core alone, an offline caveat, two examples",
    why: PROCESSES,
  },
  {
    files: ["pages/axe.test.ts", "pages/approval.test.ts", "cli/browser.test.ts"],
    long: "axe on every page of a service, on both screens, an approval and the bundle in a real browser",
    short:
      "axe on the pages that need no service, each on one screen, an approval with a cookie jar, the bundle with the web's globals alone",
    why: "a browser takes half a minute for each",
  },
  {
    files: ["storage/plans/plans.test.ts"],
    long: "the plans of all statements on a full database",
    short: "the plans of an issue, in storage/issues.test.ts",
    why: "the fill takes as long as fifty other files, and each statement is asked seven times",
    isWhole: true,
  },
  {
    files: ["secrets/secrets.test.ts"],
    long: "a search for every secret in all that a service leaves behind: columns, files, answers, logs",
    short:
      "the search itself; and the output of every process of the run, searched at its end for every secret it has seen",
    why: `a whole life on each database: ${PROCESSES}`,
    isWhole: true,
  },
  {
    files: ["storage/migrate.test.ts"],
    long: "every older and newer version beside a migrated database, both locks",
    short: "one version that may start, one that may not, one lock",
    why: "each migrates a database of its own",
  },
  {
    files: [
      "package/service.test.ts",
      "package/command.test.ts",
      "package/packages.test.ts",
      "start/doctor.test.ts",
      "start/failures.test.ts",
      "start/waiting.test.ts",
      "service/bootstrap-turns.test.ts",
      "workers/workers.test.ts",
    ],
    long: "the built command as a process: stops, folders, ports, settings, failed starts, a broken update, a rewrap",
    short: "one of each kind as a process; the settings and failed starts that need none all the same",
    why: PROCESSES,
  },
  {
    files: ["package/reproducible.test.ts"],
    long: "both packages built and packed in two folders, under other settings of the machine, to the same bytes",
    short: "what is in them, in package/packages.test.ts",
    why: "two copies of all that is installed, and two builds",
    isWhole: true,
  },
  {
    files: [
      "revocation/paused.test.ts",
      "start/hang-up.test.ts",
      "start/readiness.test.ts",
      "start/what-next.test.ts",
    ],
    long: "a service that is paused, hung up, without its disk or its database, and what it says at its first start",
    short:
      "the same in one process: service/staleness.test.ts, storage/outage.test.ts, workers/workers.test.ts at SIGHUP; the story of cli/transcripts.test.ts",
    why: `each waits for bounds to pass, and ${PROCESSES}`,
    isWhole: true,
  },
  {
    files: ["demo/demo.test.ts"],
    long: "the demo on both databases, interrupted, without a service, and against one that lies",
    short: "the story of cli/transcripts.test.ts, which is the demo's, by the packed command on a server",
    why: PROCESSES,
    isWhole: true,
  },
  {
    files: ["mcp/conformance.test.ts"],
    long: "the official scenarios for authorization servers and for MCP servers, by their own package",
    short:
      "mcp/stock-client.test.ts: the official SDK's client against its server and this authorization server; oauth/flow.test.ts",
    why: "each scenario starts a process",
    isWhole: true,
  },
  {
    files: ["readme/readme.test.ts"],
    long: "README from top to bottom in a fresh clone",
    short: "its caveats; the story of cli/transcripts.test.ts",
    why: "two services and a dozen commands of npm",
  },
  {
    files: ["drain/drain.test.ts"],
    long: "restarts, the replacement of workers and stops, while callers of all kinds ask",
    short: "a restart of workers that turns nobody away, and a stop of them, in workers/workers.test.ts",
    why: `all kinds of callers ask all the time; ${PROCESSES}`,
    isWhole: true,
  },
  {
    files: [
      "revocation/failover.test.ts",
      "revocation/faults.test.ts",
      "revocation/replicas.test.ts",
      "matrix/story.test.ts",
    ],
    long: "every order of a failover, every fault between replica and database, every kind of server at hand",
    short:
      "the replica first that knows most, a killed server, a clock that steps back, the least rights, one pooler",
    why: "each starts servers of its own, or waits for bounds to pass",
  },
  {
    files: ["revocation/restore.test.ts"],
    long: "a backup that is restored, and the fence by the command",
    short: "the fence in revocation/failover.test.ts",
    why: `ten starts on the embedded database: ${PROCESSES}`,
    isWhole: true,
  },
  {
    files: ["mutants/runner.test.ts"],
    long: "the runner of mutants on a small file",
    short: "how mutants are found, drawn and reported",
    why: "it starts a second vitest and a compiler",
    isWhole: true,
  },
  {
    files: ["client-python/library.test.ts"],
    long: "the Python library's own tests, and the programs of its manual",
    short: "a token's life by it, and what it makes of a thousand texts beside the library in TypeScript",
    why: PROCESSES,
  },
  {
    files: ["revocation/targets.test.ts"],
    long: "revocations of ten thousand targets through HTTP, on both databases",
    short: "ten thousand entries in storage/revocations.test.ts",
    why: "each is checked, signed and read back",
  },
  {
    files: [
      "audit/tampered.test.ts",
      "client/local-verifier.test.ts",
      "macaroon/narrowing.test.ts",
      "revocation/model.test.ts",
      "service/budget-model.test.ts",
      "service/tree-model.test.ts",
    ],
    long: "random calls against a model, by the thousand; half of the ways to tamper",
    short: "the same models, by the hundred",
    why: "each call costs the same",
  },
  {
    files: ["drills/drills.test.ts"],
    long: "faults of `npm run drills` for two seconds each: Postgres stopped, cut off, read only, out of connections, the service killed",
    short: "a Postgres that is killed under load",
    why: `each waits for recovery, and what starts more processes is left to the command: ${PROCESSES}`,
  },
  {
    files: ["traces/processes.test.ts"],
    long: "the built command as a process that loads nothing of OpenTelemetry, and two workers that each send what waits at a stop",
    short:
      "the chunk of the bundle that OpenTelemetry is in, and a whole service in the test's own process, in traces/service.test.ts",
    why: PROCESSES,
    isWhole: true,
  },
  {
    files: ["fuzz/fuzz.test.ts"],
    long: "forty thousand mutants of good bundles, and inputs of every decoder, operation and connection by the hundred",
    short:
      "two thousand mutants and inputs of decoders, a request for each operation, each kind of connection",
    why: "each input costs the same; `npm run fuzz` has a million mutants",
  },
];

/** The files that the long form has. */
export function longFiles(): readonly string[] {
  return [...new Set(LONG.flatMap(({ files }) => files))].sort();
}

/** The files of which the short form has nothing. */
export function longOnlyFiles(): readonly string[] {
  return LONG.flatMap(({ files, isWhole }) => (isWhole === true ? files : []));
}
