import type { Reported } from "./samples.ts";

/** The endings of counters' names, which the library writes by itself where the form has them. */
const TOTAL = /_total$/;

/** Loaded only where somebody can ask: it takes tens of milliseconds, and watches the process from then on. */
const load = () => import("@prometheus-io/client");

/** The forms in which metrics are written. */
export type Form = "text" | "openmetrics";

/** Begins to watch the process and Node. @returns reads what was found */
export async function createNodeMetrics(): Promise<() => Promise<readonly Reported[]>> {
  const { Registry, collectDefaultMetrics } = await load();
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  return async () => plain(await registry.getMetricsAsJSON());
}

/** Writes metrics. @param all of each process; each metric is made one of all processes' by its aggregator */
export async function write(
  all: readonly (readonly Reported[])[],
  form: Form,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { Registry } = await load();
  const isOpen = form === "openmetrics";
  const registry = Registry.aggregate(all.map((one) => (isOpen ? one.map(withoutTotal) : [...one])));
  registry.setContentType(isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** Adds up what only grows: counters and histograms. All else of processes that are gone is gone with them. */
export async function sumOfGrowing(all: readonly (readonly Reported[])[]): Promise<readonly Reported[]> {
  const { Registry } = await load();
  return plain(await Registry.aggregate(all.map((one) => one.filter(grows))).getMetricsAsJSON());
}

/** Whether a metric only grows, for as long as its process lives. */
export function grows({ type }: Reported): boolean {
  return type === "counter" || type === "histogram";
}

function withoutTotal(one: Reported): Reported {
  return one.type === "counter" ? { ...one, name: one.name.replace(TOTAL, "") } : one;
}

/** Metrics as values alone, which can be sent to another process. */
function plain(found: readonly object[]): readonly Reported[] {
  return (found as readonly Reported[]).map(({ name, help, type, aggregator, values }) => ({
    name,
    help,
    type,
    // Of several, the one that began last.
    aggregator: aggregator === "omit" ? "max" : aggregator,
    values: values.map(({ value, labels, metricName }) => ({
      value,
      labels,
      ...(metricName !== undefined && { metricName }),
    })),
  }));
}
