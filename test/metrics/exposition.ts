/** One number of a scrape. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of a scrape. */
export interface ScrapedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ScrapedSample[];
}

const HELP = /^# HELP ([a-z_:][a-z0-9_:]*) (.+)$/i;
const TYPE = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram|summary)$/i;
const SAMPLE = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|-Inf|NaN)$/i;
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/iy;

const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

function labelsOf(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    const [, name = "", value = ""] = LABEL.exec(text) ?? [];
    if (name === "" || name in labels) throw new Error(`labels: ${text}`);
    labels[name] = value;
  }
  return labels;
}

/**
 * Reads a scrape strictly: HELP, TYPE and samples of each metric together and once, no sample twice, and buckets that rise to
 * their count.
 *
 * @param open whether it is OpenMetrics, which names counters without their ending, and has an end
 */
export function readExposition(text: string, open = false): ReadonlyMap<string, ScrapedFamily> {
  const families = new Map<string, ScrapedFamily & { samples: ScrapedSample[] }>();
  const seen = new Set<string>();
  const lines = text.split("\n").filter((line) => line !== "");
  if (open && lines.pop() !== "# EOF") throw new Error("no end");
  let help: RegExpExecArray | null = null;
  let current: (ScrapedFamily & { samples: ScrapedSample[] }) | undefined;
  for (const line of lines) {
    if (line.startsWith("# HELP")) {
      help = HELP.exec(line);
      continue;
    }
    if (line.startsWith("#")) {
      const [, name = "", type = ""] = TYPE.exec(line) ?? [];
      if (help?.[1] !== name || families.has(name)) throw new Error(`out of order: ${line}`);
      current = { name, help: help[2] ?? "", type, samples: [] };
      families.set(name, current);
      continue;
    }
    const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    if (current === undefined) throw new Error(`nothing described: ${line}`);
    const endings = open && current.type === "counter" ? ["_total"] : (ENDINGS[current.type] ?? []);
    if (!endings.some((ending) => name === `${current?.name}${ending}`))
      throw new Error(`another's: ${line}`);
    const read = { name, labels: labelsOf(labels), value: Number(value.replace("Inf", "Infinity")) };
    const key = JSON.stringify([name, Object.entries(read.labels).sort()]);
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    current.samples.push(read);
  }
  for (const family of families.values()) if (family.type === "histogram") requireRising(family);
  return families;
}

function requireRising({ name, samples }: ScrapedFamily): void {
  const counts = new Map<string, number[]>();
  for (const { name: sample, labels, value } of samples) {
    if (sample.endsWith("_sum")) continue;
    const { le: _, ...others } = labels;
    const key = JSON.stringify(others);
    counts.set(key, [...(counts.get(key) ?? []), value]);
  }
  for (const values of counts.values()) {
    const isSorted = values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
    if (!isSorted || values.at(-1) !== values.at(-2)) throw new Error(`buckets of ${name}: ${values}`);
  }
}

/** The number of a sample; undefined without one. */
export function numberOf(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  sample = name,
): number | undefined {
  return families
    .get(name)
    ?.samples.find(
      (one) =>
        one.name === sample && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    )?.value;
}
