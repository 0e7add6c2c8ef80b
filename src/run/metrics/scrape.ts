import { type Form, write } from "./library.ts";
import type { Reported } from "./samples.ts";
import { shared } from "./shared.ts";

/** The answer to a scrape. */
export interface Scraped {
  readonly contentType: string;
  readonly text: string;
}

/** Characters of `Accept` that are read. */
const MOST_CHARACTERS = 2_000;

interface Accepted {
  readonly type: string;
  readonly version: string | undefined;
  readonly weight: number;
}

function accepted(header: string): readonly Accepted[] {
  return header
    .slice(0, MOST_CHARACTERS)
    .toLowerCase()
    .split(",")
    .map((item) => {
      const [type = "", ...parameters] = item.split(";").map((part) => part.trim());
      const find = (name: string) =>
        parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
      const weight = Number(find("q") ?? "1");
      return { type, version: find("version"), weight: weight >= 0 && weight <= 1 ? weight : 0 };
    });
}

/** Chooses the form that `Accept` asks for (RFC 9110 §12.5.1): OpenMetrics by its name alone, since `*` takes either. */
export function formFor(accept: string | null | undefined): Form {
  const all = accepted(accept ?? "");
  const best = (fits: (one: Accepted) => boolean) =>
    Math.max(0, ...all.filter(fits).map(({ weight }) => weight));
  const open = best(
    ({ type, version }) =>
      type === "application/openmetrics-text" && (version === undefined || version === "1.0.0"),
  );
  return open > 0 && open >= best(({ type }) => type === "text/plain") ? "openmetrics" : "text";
}

/**
 * Answers scrapes, all of a second with one collection.
 *
 * @param collect the numbers of each process
 * @param monotonic milliseconds, never going back
 */
export function createScraping(
  collect: () => Promise<readonly (readonly Reported[])[]>,
  monotonic: () => number,
) {
  const numbers = shared(collect, monotonic);
  const written = {
    text: shared(async () => write(await numbers(), "text"), monotonic),
    openmetrics: shared(async () => write(await numbers(), "openmetrics"), monotonic),
  };
  return (accept: string | null | undefined): Promise<Scraped> => written[formFor(accept)]();
}
