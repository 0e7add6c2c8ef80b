/** How one number of several processes is made of theirs. */
type Aggregator = "sum" | "max" | "min" | "average" | "first" | "omit";

/** A metric as it is described to whoever reads it. */
export interface Family {
  readonly name: string;
  /** What it tells, in one line, with its unit. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly labels: readonly string[];
  readonly aggregator: Aggregator;
  /** Of a histogram: upper bounds, seconds. */
  readonly bounds?: readonly number[];
}

// Many more tokens are verified than anything else is done, each in far less than a millisecond.
const OF_VERIFY = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
];
const OF_REQUESTS = [
  0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const OF_STATEMENTS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1, 5];
const OF_PROPAGATION = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

function counter(name: string, help: string, labels: readonly string[] = []): Family {
  return { name, help, type: "counter", labels, aggregator: "sum" };
}
function gauge(name: string, help: string, aggregator: Aggregator, labels: readonly string[] = []): Family {
  return { name, help, type: "gauge", labels, aggregator };
}
function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  labels: readonly string[] = [],
): Family {
  return { name, help, type: "histogram", labels, aggregator: "sum", bounds };
}

/** Every metric of the service's own. Those of the process and of Node are the library's. */
export const FAMILIES = {
  verify: counter("bakehouse_verify_total", "Decisions of verify, single ones and of batches.", [
    "decision",
    "code",
  ]),
  verifyDuration: histogram(
    "bakehouse_verify_duration_seconds",
    "Seconds that a single decision of verify took, without reading the request and writing the answer.",
    OF_VERIFY,
  ),
  requests: counter("bakehouse_http_requests_total", "Requests that were answered.", [
    "route",
    "method",
    "status",
  ]),
  requestDuration: histogram(
    "bakehouse_http_request_duration_seconds",
    "Seconds from a request's head to its answer.",
    OF_REQUESTS,
    ["route"],
  ),
  staleness: gauge(
    "bakehouse_revocation_staleness_seconds",
    "Seconds since the start of the last read that reached the end of the revocation log; of several processes the worst.",
    "max",
  ),
  sequence: gauge(
    "bakehouse_revocation_sequence",
    "Number of the last entry of the revocation log that is applied; of several processes the lowest.",
    "min",
  ),
  live: gauge("bakehouse_revocations_live", "Revocations in memory.", "max"),
  propagation: histogram(
    "bakehouse_revoke_propagation_seconds",
    "Seconds from the oldest entry of a read of the revocation log to that read, by the database's clock.",
    OF_PROPAGATION,
  ),
  cacheHits: counter("bakehouse_verified_cache_hits_total", "Bundles that were verified before."),
  cacheMisses: counter("bakehouse_verified_cache_misses_total", "Bundles that were not."),
  rootKeyAge: gauge(
    "bakehouse_root_key_age_seconds",
    "Seconds since the root key that signs began to; the 1,000 platforms with the oldest.",
    "max",
    ["platform"],
  ),
  issued: counter("bakehouse_issued_total", "Root macaroons issued.", ["how"]),
  approvalsPending: gauge(
    "bakehouse_approvals_pending",
    "Approvals that are waited for, counted to 10,000.",
    "max",
  ),
  charges: counter("bakehouse_budget_charges_total", "Charges of budgets, by what became of them.", [
    "outcome",
  ]),
  unintegrated: gauge(
    "bakehouse_audit_unintegrated",
    "Audit events without a place in the tree, counted to 100,000.",
    "max",
  ),
  auditFailures: counter(
    "bakehouse_audit_failures_total",
    "Failed writes of decisions to the audit log, gaps in it, and failed attempts to give events their places.",
  ),
  poolInUse: gauge("bakehouse_db_pool_in_use", "Connections to the database that are in use.", "sum"),
  poolWaiting: gauge("bakehouse_db_pool_waiting", "Callers that wait for such a connection.", "sum"),
  queryDuration: histogram(
    "bakehouse_db_query_duration_seconds",
    "Seconds of an exchange with the database, without waiting for a connection.",
    OF_STATEMENTS,
    ["statement"],
  ),
  circuitOpen: gauge(
    "bakehouse_db_circuit_open",
    "1 while callers are refused at once, because the database did not answer.",
    "max",
  ),
  workers: gauge("bakehouse_workers", "Processes that serve, start or leave.", "sum", ["state"]),
  workerCrashes: counter("bakehouse_worker_crashes_total", "Workers that ended by themselves."),
  eventLoopLag: gauge(
    "bakehouse_event_loop_lag_seconds",
    "The longest delay of the event loop in the last 15 to 30 seconds; of several processes the worst.",
    "max",
  ),
} as const satisfies Readonly<Record<string, Family>>;
