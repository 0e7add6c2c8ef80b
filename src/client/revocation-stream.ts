import { EVENT_STREAM } from "../words/http.ts";
import { HASH_KEY_EVENT, HEARTBEAT_EVENT, type Heartbeat, REVOCATION_EVENT } from "../words/revocations.ts";
import { type Revocation, readRevocation } from "./answers.ts";
import { BakehouseError } from "./error.ts";
import { readEventStream } from "./event-stream.ts";
import { count, nullable, object, type Reader, readJson, text } from "./read.ts";

/** An event of the stream of the revocation log. */
export type LogEvent =
  /** The stream is open. `date` is the answer's own (RFC 9110 §6.6.1), unix milliseconds; undefined if it has none. */
  | { readonly kind: "opened"; readonly date: number | undefined }
  | { readonly kind: "revocation"; readonly revocation: Revocation; readonly sequence: string }
  /** The key of the agents that others have named, base64url: the first event of a platform's stream. */
  | { readonly kind: "hash_key"; readonly hashKey: string }
  | {
      /** Everything up to `sequence` has been sent. */
      readonly kind: "heartbeat";
      readonly sequence: string;
      /** How old the sent knowledge was then; undefined before all of the log has been sent. */
      readonly stalenessMilliseconds: number | undefined;
      /** How long the stream had been open then, by the service's clock. */
      readonly openMilliseconds: number;
    };

const heartbeat: Reader<Heartbeat> = object({
  sequence: text,
  staleness_ms: nullable(count),
  open_ms: count,
});

const hashKey = object({ hash_key: text });

/** Reads the events of the log; unknown ones are passed over, since they come from a newer service. */
export async function* readLogEvents(response: Response, signal?: AbortSignal): AsyncGenerator<LogEvent> {
  if (!response.headers.get("content-type")?.startsWith(EVENT_STREAM) || response.body === null) {
    await response.body?.cancel();
    throw new BakehouseError("bad_answer", "the service does not stream its revocation log");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  yield { kind: "opened", date: Number.isNaN(date) ? undefined : date };
  try {
    for await (const event of readEventStream(response.body)) {
      if (event.type === REVOCATION_EVENT) {
        const revocation = readRevocation(event.data);
        yield { kind: "revocation", revocation, sequence: revocation.sequence };
      } else if (event.type === HASH_KEY_EVENT) {
        yield { kind: "hash_key", hashKey: readJson(event.data, hashKey).hash_key };
      } else if (event.type === HEARTBEAT_EVENT) {
        const { sequence, staleness_ms, open_ms } = readJson(event.data, heartbeat);
        yield {
          kind: "heartbeat",
          sequence,
          stalenessMilliseconds: staleness_ms ?? undefined,
          openMilliseconds: open_ms,
        };
      }
    }
  } catch (error) {
    if (error instanceof BakehouseError || signal?.aborted) throw error;
    throw new BakehouseError("unreachable", "the stream of the revocation log broke", { cause: error });
  }
}
