import { median, type Series } from "./figures.ts";

const MILLION = 1_000_000;
/** Part of a core that is planned with: what is left takes the peaks and a zone that is lost. */
const PLANNED = 0.6;
/** Bytes of a request and its answer on the wire, head and all: see the http part's note for the bodies. */
const ON_THE_WIRE = 2_800;
/** How often a service's own verifier answers without asking. */
const ANSWERED_LOCALLY = 0.98;
const WORKERS_A_MACHINE = 16;

/**
 * What a million verifies a second would take, from what one core did here.
 *
 * @returns Markdown; a sentence where the figures for it were not measured
 */
export function million(all: readonly Series[]): string {
  const of = (name: string) => {
    const series = all.find((one) => one.name === name);
    return series === undefined ? Number.NaN : median(series.values);
  };
  const [seen, fresh, batchSeen] = [of("verify, seen"), of("verify, new"), of("batch of 100, seen")];
  if (Number.isNaN(seen + fresh + batchSeen)) return "Not computed: the http part was not measured.";
  const cores = (perSecond: number, load = MILLION) => Math.ceil(load / (perSecond * PLANNED));
  const whole = (value: number) => Math.round(value).toLocaleString("en");
  const single = cores(seen);
  const machines = Math.ceil(single / WORKERS_A_MACHINE);
  const remote = MILLION * (1 - ANSWERED_LOCALLY);
  const gigabits = (MILLION * ON_THE_WIRE * 8) / 1e9;
  return [
    `One core answered ${whole(seen)} verifies a second of a token seen before, ${whole(fresh)} of tokens never seen, and ${whole(batchSeen)} in batches of 100. Planned at ${PLANNED * 100} % of that:`,
    "",
    `1. **Every call over HTTP, one by one:** 1,000,000 / (${whole(seen)} × ${PLANNED}) = ${whole(single)} cores, ${whole(cores(fresh))} if no token came twice: ${machines} machines with \`serve --workers ${WORKERS_A_MACHINE}\` behind a load balancer that balances connections. The wire carries 1,000,000 × ${whole(ON_THE_WIRE)} B × 8 = ${whole(gigabits)} Gbit/s, ${(gigabits / machines).toFixed(1)} Gbit/s a machine.`,
    `2. **In batches of 100,** as a gateway can gather in a millisecond at such rates: 1,000,000 / (${whole(batchSeen)} × ${PLANNED}) = ${whole(cores(batchSeen))} cores.`,
    `3. **With the library's local verifier,** which answers what was allowed before, and everything narrowed from it, where the call arrives (${ANSWERED_LOCALLY * 100} % of calls, if a token is used fifty times): ${whole(remote)} a second are left, ${whole(cores(fresh, remote))} cores with new tokens alone, and no more machines than it takes to lose one.`,
    "",
    `The database sees none of this: no verify reads it. It serves issuing, revoking, and the followers: with ${whole(machines * WORKERS_A_MACHINE)} workers, the curve *Replicas* says how many small reads a second, and each revocation is read once by each. Workers of one machine are replicas of their own; a hundred million live revocations would be 2 to 4 GB in each, which is where a follower shared by a machine's workers would begin to pay. Replicas share nothing else, so ${machines} machines do ${machines} times what one does; a replica that cannot follow the log stops answering by itself, within the staleness bound, and takes ${(100 / machines).toFixed(1)} % of the capacity with it.`,
  ].join("\n");
}
