/** A line of points. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A chart with one or two lines over the same axis. */
export interface Chart {
  readonly title: string;
  /** What explains the line, under the title. */
  readonly formula: string;
  readonly x: string;
  readonly y: string;
  /** Whether the x axis is logarithmic; the y axis begins at 0 and never is, so that what is flat looks flat. */
  readonly logarithmic: boolean;
  readonly lines: readonly Line[];
}

const WIDTH = 420;
const HEIGHT = 280;
const LEFT = 66;
const RIGHT = 404;
const TOP = 76;
const BOTTOM = 232;

// Text and lines that are readable on white and on black; colours that differ in lightness, too.
const STYLE = `
  svg { font: 12px system-ui, sans-serif; fill: #1f2328; background: #ffffff }
  .soft { fill: #59636e } .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
  .a { stroke: #0969da } .dot-a { fill: #0969da } .b { stroke: #bc4c00 } .dot-b { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    svg { fill: #f0f6fc; background: #0d1117 }
    .soft { fill: #9198a1 } .grid { stroke: #3d444d }
    .a { stroke: #4493f8 } .dot-a { fill: #4493f8 } .b { stroke: #ffa657 } .dot-b { fill: #ffa657 }
  }`;

/** A chart as a picture that stands alone, for light and for dark pages. The same figures give the same bytes. */
export function drawChart(chart: Chart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const steps = stepsTo(Math.max(...points.map(([, y]) => y)));
  const highest = steps.at(-1) ?? 1;
  const place = horizontal(
    points.map(([x]) => x),
    chart.logarithmic,
  );
  const vertical = (y: number) => BOTTOM - (y / highest) * (BOTTOM - TOP);

  const parts = [
    `<text x="14" y="24" font-weight="600">${escaped(chart.title)}</text>`,
    `<text x="14" y="42" class="soft">${escaped(chart.formula)}</text>`,
    ...chart.lines.map(({ name }, index) => legend(name, index, chart.lines.length)),
  ];
  for (const y of steps) {
    const at = round(vertical(y));
    parts.push(`<path class="grid" d="M${LEFT} ${at}H${RIGHT}"/>`);
    parts.push(
      `<text x="${LEFT - 6}" y="${round(at + 4)}" text-anchor="end" class="soft">${short(y)}</text>`,
    );
  }
  for (const x of ticks(points.map(([value]) => value))) {
    parts.push(
      `<text x="${round(place(x))}" y="${BOTTOM + 17}" text-anchor="middle" class="soft">${short(x)}</text>`,
    );
  }
  parts.push(
    `<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(chart.x)}</text>`,
  );
  parts.push(
    `<text transform="translate(18 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(chart.y)}</text>`,
  );
  for (const [index, line] of chart.lines.entries()) {
    const kind = index === 0 ? "a" : "b";
    const at = line.points.map(([x, y]) => [round(place(x)), round(vertical(y))] as const);
    parts.push(`<path class="line ${kind}" d="M${at.map((pair) => pair.join(" ")).join("L")}"/>`);
    for (const [x, y] of at) parts.push(`<circle class="dot-${kind}" cx="${x}" cy="${y}" r="3"/>`);
  }
  const size = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  const label = `role="img" aria-label="${escaped(`${chart.title}: ${chart.formula}`)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${label}>\n<style>${STYLE}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}

function legend(name: string, index: number, count: number): string {
  const kind = index === 0 ? "a" : "b";
  const left = 14 + (index * (WIDTH - 28)) / Math.max(2, count);
  return `<circle class="dot-${kind}" cx="${left + 4}" cy="57" r="4"/><text x="${left + 14}" y="61">${escaped(name)}</text>`;
}

/** Where a value stands from left to right. */
function horizontal(values: readonly number[], logarithmic: boolean): (x: number) => number {
  const scale = logarithmic ? (x: number) => Math.log10(Math.max(x, 1)) : (x: number) => x;
  const [low, high] = [Math.min(...values.map(scale)), Math.max(...values.map(scale))];
  return (x) => LEFT + 10 + ((scale(x) - low) / (high - low || 1)) * (RIGHT - LEFT - 20);
}

/** At most six of the measured values. */
function ticks(values: readonly number[]): readonly number[] {
  const all = [...new Set(values)].sort((a, b) => a - b);
  const every = Math.ceil(all.length / 6);
  return all.filter((_, index) => (all.length - 1 - index) % every === 0);
}

/** Round numbers from 0 to no less than the highest value. */
function stepsTo(highest: number): readonly number[] {
  const rough = Math.max(highest, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, index) => index * step);
}

function short(value: number): string {
  if (value >= 1e6) return `${round(value / 1e6)} M`;
  if (value >= 1e4) return `${round(value / 1e3)} k`;
  return value.toLocaleString("en", { maximumFractionDigits: 2 });
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
