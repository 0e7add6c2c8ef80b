import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** Milliseconds after which an export that has not ended counts as failed: an answer may come byte by byte, and never end. */
const LATE = 10_000;

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
      const late = setTimeout(() => note(true), LATE).unref();
      exporter.export(spans, (result) => {
        clearTimeout(late);
        // Zero is success.
        note(result.code !== 0);
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
