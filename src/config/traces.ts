import type { Environment, Reader } from "./environment.ts";
import { parseUrl } from "./values.ts";

/** How requests are chosen for tracing (the names of OTEL_TRACES_SAMPLER). */
export interface SamplerConfig {
  readonly kind: "always_on" | "always_off" | "traceidratio";
  /** Of all requests, 0 to 1; only of `traceidratio`. */
  readonly ratio: number;
  /** Whether a caller that has a trace decides for its own requests. */
  readonly parentBased: boolean;
}

/** The way of traces to a collector, and the choice of requests. */
export interface TracesConfig {
  /** The collector's address for traces. */
  readonly url: string;
  readonly encoding: "protobuf" | "json";
  readonly sampler: SamplerConfig;
  /** Whether a caller's `traceparent` is read and the service's own passed on. */
  readonly propagates: boolean;
  /** Attributes of the service, its name among them. */
  readonly resource: Readonly<Record<string, string>>;
  /** Absent members are the SDK's own; times in milliseconds. */
  readonly batch: {
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxQueueSize?: number;
    readonly maxExportBatchSize?: number;
  };
}

/** Spans that may wait: each takes about a kilobyte. */
const MOST_WAITING = 65_536;

const SAMPLERS = ["always_on", "always_off", "traceidratio"] as const;

/** Reads variables of OpenTelemetry. By its specification a wrong value is named and ignored rather than refused. */
class Standard {
  readonly #environment: Environment;
  readonly #warn: (line: string) => void;

  constructor(environment: Environment, warn: (line: string) => void) {
    this.#environment = environment;
    this.#warn = warn;
  }

  /** The first of the names that is set. */
  first(...names: readonly string[]): string | undefined {
    return names
      .map((name) => this.#environment[name]?.trim())
      .find((text) => text !== undefined && text !== "");
  }

  ignored(name: string, must: string): undefined {
    this.#warn(`${name}: ${must}; it is ignored`);
  }

  number(name: string, most: number): number | undefined {
    const text = this.first(name);
    if (text === undefined) return undefined;
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
    return value >= 1 && value <= most ? value : this.ignored(name, `must be a number from 1 to ${most}`);
  }
}

function samplerOf(standard: Standard): SamplerConfig {
  const name = standard.first("OTEL_TRACES_SAMPLER")?.toLowerCase() ?? "parentbased_always_on";
  const parentBased = name.startsWith("parentbased_");
  const kind = SAMPLERS.find((one) => one === name.replace(/^parentbased_/, ""));
  if (kind === undefined) {
    standard.ignored(
      "OTEL_TRACES_SAMPLER",
      `must be one of ${SAMPLERS.join(", ")}, alone or behind parentbased_`,
    );
    return { kind: "always_on", ratio: 1, parentBased: true };
  }
  if (kind !== "traceidratio") return { kind, ratio: 1, parentBased };
  const text = standard.first("OTEL_TRACES_SAMPLER_ARG") ?? "1";
  const ratio = /^[0-9]*\.?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (ratio <= 1) return { kind, ratio, parentBased };
  standard.ignored("OTEL_TRACES_SAMPLER_ARG", "must be a share from 0 to 1");
  return { kind, ratio: 1, parentBased };
}

function resourceOf(standard: Standard): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = { "service.name": "bakehouse" };
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  try {
    for (const pair of (standard.first(name) ?? "").split(",")) {
      const at = pair.indexOf("=");
      const key = pair.slice(0, Math.max(0, at)).trim();
      if (key !== "") attributes[key] = decodeURIComponent(pair.slice(at + 1).trim());
      else if (pair.trim() !== "") standard.ignored(name, "must be name=value, between commas");
    }
  } catch {
    standard.ignored(name, "must be percent-encoded");
  }
  const own = standard.first("OTEL_SERVICE_NAME");
  return own === undefined ? attributes : { ...attributes, "service.name": own };
}

function encodingOf(standard: Standard): TracesConfig["encoding"] {
  const names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;
  const protocol = standard.first(...names) ?? "http/protobuf";
  if (protocol === "http/json") return "json";
  if (protocol !== "http/protobuf") {
    const name = standard.first(names[0]) === undefined ? names[1] : names[0];
    standard.ignored(name, "must be http/protobuf or http/json");
  }
  return "protobuf";
}

/**
 * Reads the way of traces. There are none without OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which is enough
 * by itself, and none with `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none`: all as OpenTelemetry's specification has it.
 * Headers, time limit, compression and certificates are the exporter's own to read.
 */
export function readTraces(reader: Reader, environment: Environment): TracesConfig | undefined {
  const base = reader.read("OTEL_EXPORTER_OTLP_ENDPOINT", (text) => parseUrl(text, ["http:", "https:"]));
  const standard = new Standard(environment, reader.warn);
  const url = tracesUrl(standard) ?? (base && below(base));
  if (url === undefined) return undefined;
  if (standard.first("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return undefined;
  const exporter = standard.first("OTEL_TRACES_EXPORTER") ?? "otlp";
  if (exporter === "none") return undefined;
  if (exporter !== "otlp") standard.ignored("OTEL_TRACES_EXPORTER", "must be otlp or none");
  const propagators = (standard.first("OTEL_PROPAGATORS") ?? "tracecontext").split(",");
  const maxQueueSize = standard.number("OTEL_BSP_MAX_QUEUE_SIZE", MOST_WAITING);
  const batch = {
    scheduledDelayMillis: standard.number("OTEL_BSP_SCHEDULE_DELAY", 3_600_000),
    exportTimeoutMillis: standard.number("OTEL_BSP_EXPORT_TIMEOUT", 3_600_000),
    maxQueueSize,
    maxExportBatchSize: standard.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", maxQueueSize ?? MOST_WAITING),
  };
  return {
    url,
    encoding: encodingOf(standard),
    sampler: samplerOf(standard),
    propagates: propagators.some((one) => one.trim() === "tracecontext"),
    resource: resourceOf(standard),
    batch: Object.fromEntries(Object.entries(batch).filter(([, value]) => value !== undefined)),
  };
}

/** The address for traces below one for everything. */
function below(base: URL): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}

/** An address for traces alone, which is taken as it is. */
function tracesUrl(standard: Standard): string | undefined {
  const name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  const text = standard.first(name);
  if (text === undefined) return undefined;
  try {
    return parseUrl(text, ["http:", "https:"]).href;
  } catch {
    return standard.ignored(name, "must be a URL with http:// or https://");
  }
}
