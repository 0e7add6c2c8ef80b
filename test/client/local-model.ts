import { setTimeout as sleep } from "node:timers/promises";

import {
  agent,
  createBakehouse,
  createLocalVerifier,
  depth,
  expiresIn,
  type RevocationTarget,
  Token,
} from "../../src/client/index.ts";
import type { TestService } from "../support/service.ts";
import { createValve } from "./stream-valve.ts";

/** What a run has shown. */
export interface ModelReport {
  readonly steps: number;
  readonly verified: number;
  readonly local: number;
  /** Local answers that allowed. */
  readonly allowedHere: number;
  /** Of them, those that the service refused at that moment, for a revocation within the bound. */
  readonly late: number;
  readonly revocations: number;
  readonly streams: number;
  /** Where the local verifier allowed what the service had refused for longer than the bound, or for another reason. */
  readonly exceptions: readonly string[];
}

interface Held {
  readonly token: Token;
  readonly person: string;
  readonly agents: readonly string[];
}

/** Milliseconds: small beside the time that a run takes, and above the service's pause between two heartbeats. */
const LEAST_BOUND = 400;
/** Answers of the service that fit into the bound at least: else a busy machine lets nothing be answered locally. */
const ANSWERS_IN_BOUND = 40;

/** How long the service takes to answer now, milliseconds. */
async function paceOf(service: TestService): Promise<number> {
  const { token } = await service.issue({ ttl: 600 }, "alice");
  const begun = performance.now();
  const times = 5;
  for (let more = 0; more < times; more++) await service.verify(token, {});
  return (performance.now() - begun) / times;
}

export const HEARTBEAT = 60;
const ACTIONS = ["read", "list", "write"];
const PEOPLE = ["alice", "bob"];

/** What a run shows at least, however many steps that takes: else nothing was put to the test. */
const LEAST = { allowedHere: 16, revocations: 6, streams: 2 };

/**
 * Runs a local verifier beside the service: random trees of tokens, contexts, revocations of every kind and author,
 * and a network that holds streams up and cuts them. Time is the verifier's own clock, which the run moves.
 */
export async function runModel(
  service: TestService,
  url: string,
  steps: number,
  random: () => number,
): Promise<ModelReport> {
  const bound = Math.max(LEAST_BOUND, ANSWERS_IN_BOUND * (await paceOf(service)));
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const valve = createValve();
  let shift = 0;
  const clock = { now: () => Date.now(), monotonic: () => performance.now() + shift };
  const bearerOf = (headers: Readonly<Record<string, string>>) => (headers["authorization"] ?? "").slice(7);
  const platform = createBakehouse({ url, credential: bearerOf(service.asPlatform()), fetch: valve.fetch });
  const administrator = createBakehouse({ url, credential: service.adminToken });
  const verifier = createLocalVerifier({ service: platform, maxStaleness: bound, clock });

  let held: Held[] = [];
  const refusedSince = new Map<string, number>();
  let revokedAt: number | undefined;
  const exceptions: string[] = [];
  const counts = { verified: 0, allowedHere: 0, late: 0, revocations: 0 };
  let step = 0;

  async function issue(): Promise<void> {
    const person = pick(PEOPLE);
    const caveats = random() < 0.5 ? ["action in read, list"] : [];
    const { token } = await service.issue({ caveats, ttl: 600 + Math.floor(random() * 600) }, person);
    held.push({ token: Token.parse(token), person, agents: [] });
  }

  /** What is narrowed from a token that is dead was dead as long. */
  function hold(child: Held, parent: Held): void {
    held.push(child);
    const since = refusedSince.get(parent.token.encode());
    if (since !== undefined) refusedSince.set(child.token.encode(), since);
  }

  function narrow(): void {
    const from = pick(held);
    const kind = random();
    if (kind < 0.6) {
      const name = pick(["researcher", "scraper", "writer"]);
      // By hand, because `delegate` makes no child that a depth forbids, and other libraries do.
      const token = from.token.attenuate(
        agent(name, `i${held.length}`),
        ...(random() < 0.3 ? [depth(Math.floor(random() * 3))] : []),
        ...(random() < 0.3 ? [expiresIn(30 + Math.floor(random() * 300))] : []),
      );
      held.push({
        token,
        person: from.person,
        agents: [...from.agents, token.inspect().agents.at(-1) ?? name],
      });
    } else {
      const caveat = pick([
        `args.amount <= ${Math.floor(random() * 100)}`,
        `action = ${pick(ACTIONS)}`,
        "resource matches repo:acme/**",
        "time < 2999-01-01T00:00:00Z",
      ]);
      hold({ ...from, token: from.token.attenuate(caveat) }, from);
    }
  }

  function context() {
    return {
      action: pick(ACTIONS),
      args: { amount: Math.floor(random() * 100) },
      resource: pick(["repo:acme/web", "repo:other/web"]),
    };
  }

  async function compare(): Promise<void> {
    const { token } = pick(held);
    const request = { token: token.encode(), context: context() };
    const before = verifier.counts.local;
    // Before the answer: a machine that is busy may stand still between the answer and the next line.
    const at = clock.monotonic();
    const here = await verifier.verify(request);
    const isLocal = verifier.counts.local > before;
    const there = await service.verify(request.token, request.context);
    counts.verified++;
    if (!isLocal) return;
    if (!here.allowed) {
      if (there.allowed) exceptions.push(`refused ${here.code} here, allowed there`);
      return;
    }
    counts.allowedHere++;
    if (there.allowed) {
      if (here.revocation_ids.join() !== there.revocation_ids.join()) exceptions.push("other links");
      if (here.agents.join() !== there.agents.join()) exceptions.push("other agents");
      return;
    }
    // A token made after its agent was revoked, from one that lives, is dead since then.
    const since = refusedSince.get(request.token) ?? revokedAt;
    if (there.code === "revoked" && since !== undefined && at - since <= bound) counts.late++;
    else
      exceptions.push(
        `allowed here, ${there.code} there since ${since === undefined ? "ever" : at - since} ms`,
      );
  }

  async function revoke(): Promise<void> {
    const { token, person, agents } = pick(held);
    const identifier = token.inspect().identifier;
    if (identifier === undefined) return;
    const agent = pick([...agents, "nobody"]);
    const targets: readonly RevocationTarget[] = [
      { token: token.encode() },
      { revocation_id: token.revocationId },
      { token_id: identifier.tokenId },
      { agent },
      { agent: agent.split("#", 1)[0] ?? agent, token_id: identifier.tokenId },
      ...(random() < 0.2
        ? [{ principal: { subject: person } }, { principal: { id: identifier.principalId } }]
        : []),
      ...(random() < 0.05 ? [{ platform: "default" }] : []),
      ...(random() < 0.05 ? [{ key_id: identifier.keyId }] : []),
    ];
    const author = pick([platform, administrator]);
    const target = pick(targets);
    try {
      await author.revoke(target);
    } catch (error) {
      // A token that is revoked already, or has expired, is no good to revoke by.
      if (!("token" in target)) throw error;
      return;
    }
    counts.revocations++;
    // From now on, at the latest, whatever the service refuses as revoked is refused.
    const at = clock.monotonic();
    revokedAt = at;
    for (const each of held) {
      const text = each.token.encode();
      if (refusedSince.has(text)) continue;
      const verdict = await service.verify(text, {});
      if (!verdict.allowed && verdict.code === "revoked") refusedSince.set(text, at);
    }
  }

  /** Lets what is under way arrive. */
  const settle = () => sleep(5 + Math.floor(random() * 15));

  await issue();
  try {
    const isDull = () =>
      counts.allowedHere < LEAST.allowedHere ||
      counts.revocations < LEAST.revocations ||
      valve.opened < LEAST.streams;
    for (; step < steps || isDull(); step++) {
      const dice = random();
      if (held.length < 6 || dice < 0.03) await issue();
      else if (dice < 0.2) narrow();
      else if (dice < 0.225) await revoke();
      else if (dice < 0.229) valve.hold();
      else if (dice < 0.25) valve.release();
      else if (dice < 0.252) valve.cut();
      else if (dice < 0.256) shift += Math.floor(random() * bound * 0.5);
      else if (dice < 0.27) await settle();
      else await compare();
      if (held.length > 40) held = held.filter(({ token }) => !refusedSince.has(token.encode())).slice(-25);
    }
    // In the end, with a network that works, what is revoked is refused.
    valve.release();
    await sleep(2 * bound);
    for (const { token } of held) {
      const text = token.encode();
      const here = await verifier.verify({ token: text, context: {} });
      if (refusedSince.has(text) && here.allowed)
        exceptions.push("allowed in the end what was revoked long ago");
    }
  } finally {
    verifier.close();
  }
  return { steps: step, ...counts, local: verifier.counts.local, streams: valve.opened, exceptions };
}
