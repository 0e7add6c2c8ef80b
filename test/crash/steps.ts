import type { Step } from "../../src/domain/ports/steps.ts";
import { hand } from "../demo/house.ts";
import { CONTEXT, type Ledger, newLedger } from "./ledger.ts";
import type { Live, Place } from "./place.ts";
import { disagreements } from "./tables.ts";

/** The steps of issuing, and whether what was issued is there after a crash at this one. */
export const ISSUE_STEPS = {
  "issue:begun": false,
  "issue:minted": false,
  "issue:committed": true,
} as const satisfies Partial<Record<Step, boolean>>;

/** The steps of revoking, likewise. */
export const REVOKE_STEPS = {
  "revoke:begun": false,
  "revoke:dated": false,
  "revoke:committed": true,
  "revoke:applied": true,
} as const satisfies Partial<Record<Step, boolean>>;

/** Longer than one attempt under an idempotency key holds it. Milliseconds. */
export const PAST_THE_LEASE = 61_000;

export const drillBody = (label: string) => ({
  platform: "default",
  ttl: 3600,
  on_behalf_of: { subject: "alice" },
  label,
});

export function require(holds: boolean, claim: string): void {
  if (!holds) throw new Error(claim);
}

/** Sends what the service will not live to answer. */
export async function unanswered(live: Live, send: () => Promise<unknown>): Promise<void> {
  const answer = await send().then(
    () => "answered",
    () => "cut off",
  );
  require(answer === "cut off", "the service answered after the step at which it should have died");
  const { signal } = await live.service.ended;
  require(signal === "SIGKILL", `the service ended by ${signal}`);
}

async function acknowledge(live: Live, ledger: Ledger, name: string): Promise<string> {
  const { api, platform } = live;
  const body = drillBody(name);
  const answer = await api.issue(platform, body, name);
  ledger.keep({ key: name, body, answer });
  const parent = hand(answer.token, "orchestrator", "action = read");
  const dead = hand(parent, "researcher", "resource = a");
  const before = await api.verify(platform, dead, CONTEXT);
  require(before.allowed, `${name}: a fresh token does not pass`);
  const revoked = await api.revoke(undefined, { token: dead });
  ledger.reached(revoked.sequence);
  ledger.add({ what: `${name}, the root`, token: answer.token, revoked: () => "no" });
  ledger.add({ what: `${name}, the dead link`, token: dead, revoked: () => "yes" });
  ledger.add({
    what: `${name}, below the dead link`,
    token: hand(dead, "scraper", "resource in a, b"),
    revoked: () => "yes",
  });
  return answer.token;
}

async function dieIssuing(live: Live, step: string): Promise<void> {
  await live.dieAt(step);
  const name = `cut off at ${step}`;
  await unanswered(live, () => live.api.issue(live.platform, drillBody(name), name));
}

async function afterIssuing(live: Live, ledger: Ledger, step: string, committed: boolean): Promise<void> {
  const { api, platform } = live;
  const name = `cut off at ${step}`;
  const body = drillBody(name);
  if (!committed) {
    const early = await api.call("POST", "/v1/tokens", {
      as: platform,
      body,
      headers: { "idempotency-key": name },
    });
    require(early.status === 409, `${step}: a repeat while the first may still run answered ${early.status}`);
    await live.shift(PAST_THE_LEASE);
  }
  const answer = await api.issue(platform, body, name);
  ledger.keep({ key: name, body, answer });
  ledger.add({ what: name, token: answer.token, revoked: () => "no" });
}

async function dieRevoking(live: Live, step: string, token: string): Promise<string> {
  const link = hand(token, "victim", "action = read");
  await live.dieAt(step);
  await unanswered(live, () => live.api.revoke(undefined, { token: link }));
  return link;
}

async function afterRevoking(
  live: Live,
  ledger: Ledger,
  step: string,
  link: string,
  committed: boolean,
): Promise<void> {
  const { api, platform } = live;
  const after = await api.verify(platform, link, CONTEXT);
  const revoked = !after.allowed && after.code === "revoked";
  require(revoked === committed, `${step}: revoked after the crash: ${revoked}, committed: ${committed}`);
  const first = await api.revoke(undefined, { token: link });
  const second = await api.revoke(undefined, { token: link });
  require(first.revocations[0]?.id === second.revocations[0]?.id, `${step}: revoked twice`);
  ledger.reached(first.sequence);
  ledger.add({ what: `cut off at ${step}`, token: link, revoked: () => "yes" });
}

/**
 * Kills the service at each step of issue and revoke, one after another on the same data, and after each
 * restart asks for everything that was ever acknowledged.
 *
 * @param isWanted the steps, all of them unless said
 * @throws Error with the first claim that does not hold
 * @returns how many acknowledgements stood to the end
 */
export async function drillSteps(
  place: Place,
  told: (step: string) => void = () => {},
  isWanted: (step: string) => boolean = () => true,
): Promise<number> {
  const ledger = newLedger();
  let live = await place.start();

  async function restart(step: string): Promise<void> {
    if (place.canLookInside) await inside(step);
    live = await place.start();
    const broken = await ledger.broken(live);
    require(broken.length === 0, `after ${step}: ${broken.join("; ")}`);
    told(step);
  }

  async function inside(step: string): Promise<void> {
    const wrong = disagreements(await place.tables());
    require(wrong.length === 0, `after ${step}: ${wrong.join("; ")}`);
  }

  for (const [step, committed] of Object.entries(ISSUE_STEPS)) {
    if (!isWanted(step)) continue;
    await acknowledge(live, ledger, `before ${step}`);
    await dieIssuing(live, step);
    await restart(step);
    await afterIssuing(live, ledger, step, committed);
  }
  for (const [step, committed] of Object.entries(REVOKE_STEPS)) {
    if (!isWanted(step)) continue;
    const token = await acknowledge(live, ledger, `before ${step}`);
    const link = await dieRevoking(live, step, token);
    await restart(step);
    await afterRevoking(live, ledger, step, link, committed);
  }
  await live.service.end("SIGTERM");
  await inside("all steps");
  return ledger.size;
}
