import { checkService, createBakehouse } from "../../src/client/index.ts";
import type { Step } from "../../src/domain/ports/steps.ts";
import type { Live, Place } from "./place.ts";
import { drillBody, require } from "./steps.ts";

/** The steps of giving events their places. */
export const AUDIT_STEPS = [
  "audit:held",
  "audit:placed",
  "audit:tiled",
  "audit:signed",
  "audit:committed",
] as const satisfies readonly Step[];

/** Milliseconds between two looks. */
const PAUSE = 100;

function logOf({ service, administrator }: Live) {
  return createBakehouse({ url: service.url, credential: administrator.token }).audit;
}

/** Waits until every one of these tokens has its leaf, and holds the whole log to its checkpoint. */
async function requireWhole(live: Live, tokenIds: readonly string[], step: string): Promise<void> {
  const log = logOf(live);
  for (;;) {
    const waiting: string[] = [];
    for (const token_id of tokenIds) {
      const { items } = await log.list({ token_id, action: "token.issued" });
      require(items.length === 1, `${step}: ${items.length} events for one token`);
      if (items[0]?.leaf === undefined) waiting.push(token_id);
    }
    if (waiting.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  const report = await checkService(log);
  require(report.faults.length === 0, `${step}: ${report.faults[0]?.detail}`);
  require(report.isWhole && report.events > 0, `${step}: the log is not whole`);
}

/**
 * Kills the service at each step of giving events their places, one after another on the same data, and after each restart
 * holds the whole log to its checkpoint.
 *
 * @throws Error with the first claim that does not hold
 */
export async function drillAudit(
  place: Place,
  told: (step: string) => void = () => {},
  isWanted: (step: string) => boolean = () => true,
): Promise<void> {
  const tokenIds: string[] = [];
  let live = await place.start();
  for (const step of AUDIT_STEPS.filter(isWanted)) {
    const issue = async (name: string) => {
      const { token_id } = await live.api.issue(live.platform, drillBody(name), name);
      tokenIds.push(token_id);
    };
    await issue(`before ${step}`);
    await requireWhole(live, tokenIds, `before ${step}`);
    await live.dieAt(step);
    // Answered before the tree grows as a rule; another event may have made it grow a moment earlier.
    await issue(`cut off at ${step}`).catch(() => undefined);
    const { signal } = await live.service.ended;
    require(signal === "SIGKILL", `${step}: the service ended by ${signal}`);
    live = await place.start();
    await requireWhole(live, tokenIds, `after ${step}`);
    told(step);
  }
  await live.service.end("SIGTERM");
}
