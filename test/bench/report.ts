import { type Findings, median, type Target } from "./figures.ts";
import type { Machine } from "./machine.ts";

/** "met", "missed", or "not measured" where something that it takes is not installed. */
export function verdict({ reached, wanted, sense }: Target): string {
  if (Number.isNaN(reached)) return "not measured";
  return (sense === "at least" ? reached >= wanted : reached <= wanted) ? "met" : "missed";
}

/** A figure for people. */
export function plain(value: number): string {
  if (Number.isNaN(value)) return "–";
  const digits = value >= 1000 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A figure with its unit; ratios have none. */
export const withUnit = (value: number, unit: string): string => {
  if (Number.isNaN(value)) return "–";
  return unit === "×" ? plain(value) : `${plain(value)} ${unit}`;
};

/** A Markdown table that also reads as text. */
export function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** A table of medians with their ranges, and what must be known to read it. */
export function seriesTable({ part, series, notes }: Findings): string {
  const rows = series.map(({ name, unit, values }) => {
    const range = `${plain(Math.min(...values))} – ${plain(Math.max(...values))}`;
    return [name, plain(median(values)), range, unit];
  });
  const tables = rows.length > 0 ? [aligned(["what", "median", "range", "unit"], rows)] : [];
  return [`== ${part}`, ...tables, ...notes].join("\n");
}

/** Every target, met or missed. */
export function targetsTable(targets: readonly Target[]): string {
  const rows = targets.map((target) => [
    target.name,
    `${target.sense} ${withUnit(target.wanted, target.unit)}`,
    withUnit(target.reached, target.unit),
    verdict(target),
  ]);
  return aligned(["what", "reach", "reached", ""], rows);
}

/** The machine, for a reader of the figures. */
export function machineLine({ cpu, cores, platform, node, commit, loadBefore, date }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}, Node ${node}, commit ${commit}, ${date}, load before ${loadBefore.toFixed(1)}`;
}

/** Everything, for programs. NaN, which JSON has no word for, is null. */
export function asJson(machine: Machine, findings: readonly Findings[]): string {
  const parts = findings.map(({ part, series, targets, notes }) => {
    return {
      part,
      series: series.map((one) => ({ ...one, median: median(one.values) })),
      targets: targets.map((target) => ({ ...target, verdict: verdict(target) })),
      notes,
    };
  });
  return `${JSON.stringify({ machine, parts }, null, 2)}\n`;
}
