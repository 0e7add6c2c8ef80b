import { CONTRACT } from "../metrics/names.ts";

/** Every metric of the service (histograms without their endings), as rules and dashboard may use them. */
const METRICS = [
  ...Object.keys(CONTRACT),
  // Of every program that Prometheus' own library for Node serves.
  "process_start_time_seconds",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
  "nodejs_heap_size_used_bytes",
];

const HISTOGRAMS = METRICS.filter((name) => name.endsWith("_duration_seconds") || /_propagation_/.test(name));

const KNOWN = new Set([
  ...METRICS.filter((name) => !HISTOGRAMS.includes(name)),
  ...HISTOGRAMS.flatMap((name) => ["bucket", "sum", "count"].map((ending) => `${name}_${ending}`)),
]);

/** The names in some PromQL that look like the service's metrics and are none. */
export function unknownMetrics(expressions: readonly string[]): readonly string[] {
  const names = expressions.flatMap(
    (text) => text.match(/(?<![\w:])(?:bakehouse|process|nodejs)_\w+/g) ?? [],
  );
  return [...new Set(names)].filter((name) => !KNOWN.has(name));
}

/** The metrics of the service itself that some PromQL does not speak of. */
export function unusedMetrics(expressions: readonly string[]): readonly string[] {
  const text = expressions.join("\n");
  return METRICS.filter((name) => !text.includes(name));
}
