import type { Outcome } from "./try.ts";

/** The share of what could be noticed that the tests must notice. */
const ENOUGH = 0.95;

/** Counts outcomes by area. */
export interface Tally {
  readonly add: (area: string, outcome: Outcome) => void;
  readonly table: () => string;
  readonly isEnough: () => boolean;
}

export function createTally(): Tally {
  const outcomes: { readonly area: string; readonly outcome: Outcome }[] = [];
  const share = (of: typeof outcomes): number => {
    const count = (outcome: Outcome) => of.filter((one) => one.outcome === outcome).length;
    const killed = count("killed");
    const noticeable = killed + count("alive") + count("unreached");
    return noticeable === 0 ? 1 : killed / noticeable;
  };
  const row = (name: string, of: typeof outcomes): readonly string[] => {
    const count = (outcome: Outcome) => String(of.filter((one) => one.outcome === outcome).length);
    return [
      name,
      String(of.length),
      count("killed"),
      count("alive"),
      count("unreached"),
      count("equivalent"),
      count("refused"),
      `${(share(of) * 100).toFixed(1)} %`,
    ];
  };
  return {
    add: (area, outcome) => void outcomes.push({ area, outcome }),
    table() {
      const areas = [...Map.groupBy(outcomes, ({ area }) => area)].sort(([one], [other]) =>
        one < other ? -1 : 1,
      );
      return layOut([
        [
          "area",
          "mutants",
          "killed",
          "alive",
          "unreached",
          "equivalent",
          "not compiling",
          "killed of the noticeable",
        ],
        ...areas.map(([name, of]) => row(name, of)),
        row("all", outcomes),
      ]);
    },
    isEnough: () => share(outcomes) >= ENOUGH,
  };
}

function layOut(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
