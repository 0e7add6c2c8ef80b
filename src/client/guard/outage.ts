import { BakehouseError } from "../error.ts";

/** Whether an outage begins, lasts, or is over. */
export type OutageState = "begins" | "lasts" | "over";

/** Told of an outage: when it begins, each minute while it lasts, and when it is over, with the last reason. */
export type OutageListener = (error: BakehouseError, state: OutageState) => void;

/** Takes in failures by the hundred, and tells of them in a few lines. */
export interface Outage {
  failed(error: BakehouseError): void;
  /** Something was answered. It is over if nothing has failed for a while. */
  answered(): void;
}

/** Milliseconds between two lines about one outage. */
const PAUSE = 60_000;

/** Milliseconds without a failure after which an answer ends it: one that comes and goes is one outage. */
const QUIET = 15_000;

/** Kinds of failure that each have a line of their own in one outage. */
const MOST_CODES = 8;

interface Lasting {
  readonly since: number;
  readonly codes: Set<string>;
  error: BakehouseError;
  last: number;
  told: number;
  times: number;
}

/** @param now milliseconds that only ever grow */
export function createOutage(
  tell: OutageListener | undefined,
  now: () => number = () => performance.now(),
): Outage {
  let lasting: Lasting | undefined;

  function retold(word: string, { since, last, times, error }: Lasting): BakehouseError {
    const { code, status, member, requestId, retryAfter } = error;
    const seconds = Math.round((last - since) / 1000);
    const text = `${word} ${seconds} s, ${times} ${times === 1 ? "failure" : "failures"}: ${error.message}`;
    const told = new BakehouseError(code, text, { status, member, requestId, retryAfter });
    // It was made here and now, where nothing failed: a stack would say what is no fault of anybody's code.
    told.stack = `${told.name}: ${text}`;
    return told;
  }

  return {
    failed(error) {
      const at = now();
      if (lasting === undefined) {
        lasting = { since: at, codes: new Set([error.code]), error, last: at, told: at, times: 1 };
        tell?.(error, "begins");
        return;
      }
      lasting.times++;
      lasting.last = at;
      lasting.error = error;
      const isNew = !lasting.codes.has(error.code) && lasting.codes.size < MOST_CODES;
      lasting.codes.add(error.code);
      if (!isNew && at - lasting.told < PAUSE) return;
      lasting.told = at;
      tell?.(retold("still, after", lasting), "lasts");
    },

    answered() {
      if (lasting === undefined || now() - lasting.last < QUIET) return;
      const over = retold("over, after", lasting);
      lasting = undefined;
      tell?.(over, "over");
    },
  };
}
