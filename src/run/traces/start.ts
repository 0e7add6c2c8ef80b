import type { TracesConfig } from "../../config/traces.ts";
import type { TracedService, Tracing } from "./tracing.ts";

/** Starts tracing if it is configured, and else loads nothing of OpenTelemetry. */
export async function startTracing(
  config: TracesConfig | undefined,
  about: TracedService,
): Promise<Tracing | undefined> {
  if (config === undefined) return undefined;
  const { openTracing } = await import("./open-telemetry.ts");
  return openTracing(config, about);
}
