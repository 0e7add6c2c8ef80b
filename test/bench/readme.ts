import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Findings, median, type Series, type Target } from "./figures.ts";
import type { Machine } from "./machine.ts";
import { million } from "./million.ts";
import { aligned, machineLine, plain, verdict, withUnit } from "./report.ts";

/** A row of the targets' table: some targets that are read together, named by the parts of the benchmark. */
const ROWS: readonly (readonly [what: string, ...targets: readonly string[]])[] = [
  [
    "`POST /v1/verify` of an empty hono route that answers as much, token seen before: whole; decision",
    "verify, seen / empty hono route",
    "verify, seen, decision / empty hono route, decision",
  ],
  [
    "new descendant of a known link, two more caveats, of the same: whole; decision",
    "verify, descendant / empty hono route",
    "verify, descendant, decision / empty hono route, decision",
  ],
  [
    "every token new, of the same: whole; decision",
    "verify, new / empty hono route",
    "verify, new, decision / empty hono route, decision",
  ],
  [
    "of Go with go-macaroon: every token new; descendants. Every token new, of hono with npm `macaroon`",
    "verify, new / Go net/http with go-macaroon",
    "verify, descendant / Go net/http with go-macaroon",
    "verify, new / hono with npm macaroon",
  ],
  [
    "p99 at a fifth of its own maximum, of the empty route's at that rate: seen; new",
    "p99 at a fifth, verify, seen / empty hono route",
    "p99 at a fifth, verify, new / empty hono route",
  ],
  [
    "p99 at three fifths, of the same: seen; new",
    "p99 at three fifths, verify, seen / empty hono route",
    "p99 at three fifths, verify, new / empty hono route",
  ],
  [
    "batch of 100, of single ones of the kind: seen; seen, decisions; new descendants",
    "batch of 100 / single, seen",
    "batch of 100 / single, seen, decision",
    "batch of 100 / single, descendant",
  ],
  [
    "in process with clearing, new: of npm `macaroon`; of libmacaroons in C",
    "in-process verify with clearing, new / npm macaroon",
    "in-process verify with clearing, new / libmacaroons in C",
  ],
  [
    "in process with clearing, new descendant of a known link: of libmacaroons in C",
    "in-process verify with clearing, descendant / libmacaroons in C",
  ],
  [
    "verify, of oidc-provider's introspection: seen; new",
    "verify, seen / introspection",
    "verify, new / introspection",
  ],
  [
    "issue on Postgres: of client_credentials in memory; of two-row inserts in process; over HTTP",
    "issue on Postgres / client_credentials",
    "issue, 64 callers / two-row insert transactions",
    "issue over HTTP, 64 callers / two-row insert transactions",
  ],
  [
    "on Debian's Postgres, of the same with `jit = off`: issue; revoke",
    "issue on Debian's Postgres / with jit off",
    "revoke on Debian's Postgres / with jit off",
  ],
  [
    "two workers, of two of the empty route: seen; new",
    "two workers, verify, seen / empty hono route",
    "two workers, verify, new / empty hono route",
  ],
  [
    "memory: idle; at most under load; its end of its beginning",
    "memory, idle",
    "memory, most under load",
    "memory, last quarter of the time / second quarter",
  ],
  [
    "start to ready, warm: Postgres; embedded",
    "start to ready, Postgres, warm",
    "start to ready, embedded, warm",
  ],
];

/** The table of targets, and where it came from. */
export function targetsOverview(machine: Machine, command: string, findings: readonly Findings[]): string {
  const targets = findings.flatMap((found) => found.targets);
  const named = new Set(ROWS.flatMap(([, ...names]) => names));
  const missing = targets.find(({ name }) => !named.has(name));
  if (missing !== undefined) throw new Error(`the table of targets has no row for ${missing.name}`);
  const rows = ROWS.map(([what, ...names]) => {
    const found = names.map((name) => targets.find((target) => target.name === name));
    const each = (print: (target: Target) => string) => {
      const said = found.map((target) => (target === undefined ? "–" : print(target)));
      return new Set(said).size === 1 ? (said[0] ?? "") : said.join("; ");
    };
    const reach = each(
      ({ sense, wanted, unit }) => `${sense === "at least" ? "≥" : "≤"} ${withUnit(wanted, unit)}`,
    );
    const reached = found.map((target) =>
      target === undefined ? "–" : withUnit(target.reached, target.unit),
    );
    return [what, reach, reached.join("; "), each(verdict)];
  });
  const table = aligned(["what", "reach", "reached", ""], rows);
  const { cpu, cores, node, commit, date } = machine;
  const from = `\`${command}\` at commit ${commit}, ${date}, ${cores} cores of an ${cpu}, Node ${node}`;
  const how =
    "ratios side by side in one run; server on one core, load on the other; ten caveats, 64 connections";
  return `${from}: ${how}.\n\n${table}`;
}

/** Writes the targets, all figures, and the arithmetic that rests on them into the README of the benchmark. */
export function rewriteReadme(machine: Machine, command: string, findings: readonly Findings[]): void {
  const beside = join(import.meta.dirname, "README.md");
  replaceBetween(beside, "bench", targetsOverview(machine, command, findings));
  const all: readonly Series[] = findings.flatMap(({ series }) => series);
  const rows = findings.flatMap(({ part, series }) =>
    series.map(({ name, unit, values }) => {
      const range = `${plain(Math.min(...values))} – ${plain(Math.max(...values))}`;
      return [part, name, plain(median(values)), range, unit];
    }),
  );
  const notes = findings.flatMap(({ part, notes: said }) => said.map((note) => `- ${part}: ${note}`));
  const figures = [
    `${machineLine(machine)}, \`${command}\`:`,
    aligned(["part", "what", "median", "range", "unit"], rows),
    notes.join("\n"),
  ];
  replaceBetween(beside, "figures", figures.join("\n\n"));
  replaceBetween(beside, "million", million(all));
}

function replaceBetween(file: string, marker: string, text: string): void {
  const whole = readFileSync(file, "utf8");
  const [begin, end] = [`<!-- ${marker} -->\n`, `\n<!-- /${marker} -->`];
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for ${marker}`);
  writeFileSync(file, `${whole.slice(0, from + begin.length)}${text}${whole.slice(to)}`);
}
