/** Every metric of the service (histograms without their endings), as rules and dashboard may use them. */
const METRICS = [
  "bakehouse_verify_total",
  "bakehouse_verify_duration_seconds",
  "bakehouse_http_requests_total",
  "bakehouse_http_request_duration_seconds",
  "bakehouse_revocation_staleness_seconds",
  "bakehouse_revocation_sequence",
  "bakehouse_revocations_live",
  "bakehouse_revoke_propagation_seconds",
  "bakehouse_verified_cache_hits_total",
  "bakehouse_verified_cache_misses_total",
  "bakehouse_root_key_age_seconds",
  "bakehouse_issued_total",
  "bakehouse_approvals_pending",
  "bakehouse_budget_charges_total",
  "bakehouse_audit_unintegrated",
  "bakehouse_audit_failures_total",
  "bakehouse_db_pool_in_use",
  "bakehouse_db_pool_waiting",
  "bakehouse_db_query_duration_seconds",
  "bakehouse_db_circuit_open",
  "bakehouse_workers",
  "bakehouse_worker_crashes_total",
  "bakehouse_event_loop_lag_seconds",
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
