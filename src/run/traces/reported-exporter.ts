import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** Tells of an exporter once it fails, and once it works again: a collector that is away must not fill the log. */
export function reportedExporter(
  exporter: SpanExporter,
  report: { readonly failing: () => void; readonly again: () => void },
): SpanExporter & { readonly isFailing: () => boolean } {
  let failing = false;

  function note(failed: boolean): void {
    if (failed !== failing) (failed ? report.failing : report.again)();
    failing = failed;
  }

  return {
    isFailing: () => failing,
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        // Zero is success.
        note(result.code !== 0);
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
