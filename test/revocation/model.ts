import { setImmediate } from "node:timers/promises";

import fc from "fast-check";

import type { Caller } from "../../src/domain/caller.ts";
import { parseSequence, printSequence } from "../../src/domain/parts/sequence.ts";
import type { RevokeTarget } from "../../src/domain/service.ts";
import { question } from "../support/question.ts";
import { type InProcessReplica, person, platformCaller } from "../support/replica.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";
import { OWN_ISSUER } from "../support/service-people.ts";

/** A macaroon as the reference knows it: nothing of it is computed by what is under test. */
interface Node {
  readonly text: string;
  /** Identities of the links above it and its own, from the root on. */
  readonly links: readonly number[];
  readonly tree: number;
  readonly tokenId: string;
  readonly subject: string;
  readonly principalId: string;
  readonly keyId: string;
  readonly agents: readonly { readonly name: string; readonly instance: string | undefined }[];
  /** When its root was issued, by the order of commands and by the clock. */
  readonly order: number;
  readonly issuedAt: number;
}

interface Rule {
  readonly kills: (node: Node) => boolean;
}

/** The reference: a list of rules, and every macaroon asked against all of them. */
export interface Model {
  readonly nodes: Node[];
  readonly rules: Rule[];
  readonly prefix: string;
  order: number;
  links: number;
  sequence: string | undefined;
}

export interface Real {
  readonly replicas: readonly [InProcessReplica, ...InProcessReplica[]];
  executed: number;
}

const SUBJECTS = ["ann", "ben", "cleo"] as const;
const NAMES = ["planner", "coder", "mail"] as const;
const INSTANCES = [undefined, "1", "2"] as const;
const TARGETS = [
  "token",
  "revocation_id",
  "token_id",
  "principal",
  "principal_id",
  "agent",
  "agent in tree",
  "key_id",
  "platform",
] as const;
const AUTHORS = ["principal", "platform", "administrator"] as const;

type Command = fc.AsyncCommand<Model, Real>;

/** One of the last macaroons: of long runs most of what is old is dead. */
function pick(model: Model, n: number): Node {
  const recent = model.nodes.slice(-12);
  const node = recent[n % recent.length];
  if (node === undefined) throw new Error("no macaroon to pick");
  return node;
}

function command(
  name: string,
  needsNode: boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check: (model) => !needsNode || model.nodes.length > 0,
    async run(model, real) {
      real.executed += 1;
      model.order += 1;
      // The embedded database answers without ever letting a timer fire, and replicas poll by timers.
      await setImmediate();
      await run(model, real);
    },
    toString: () => name,
  };
}

function issue(who: number): Command {
  return command(`issue ${who}`, false, async (model, { replicas: [one] }) => {
    const subject = SUBJECTS[who] ?? "ann";
    // A replica that has not heard yet that a key is revoked may sign with it once more: dead from the start.
    const known = model.sequence === undefined ? undefined : parseSequence(model.sequence);
    if (known !== undefined) await one.composed.feed.reach(known, 5_000);
    const issued = await one.issue(model.prefix + subject);
    const verdict = await one.composed.service.decisions.decide(
      platformCaller("default"),
      question(issued.token),
    );
    const revokedAtBirth = !verdict.allowed;
    const { tokenId, issuedAt } = issued;
    const node = {
      text: issued.token,
      links: [model.links++],
      tree: model.order,
      tokenId,
      subject,
      principalId: issued.principal.id,
      keyId: verdict.allowed ? verdict.keyId : "",
      agents: [],
      order: model.order,
      issuedAt,
    };
    // Alive unless it was issued in the very millisecond that a revocation before it had covered.
    if (revokedAtBirth !== model.rules.some(({ kills }) => kills(node)))
      throw new Error(`wrong at birth: ${tokenId}`);
    if (!revokedAtBirth) model.nodes.push(node);
  });
}

function grow(n: number, name: number, instance: number, delegates: boolean): Command {
  return command(`${delegates ? "delegate" : "attenuate"} ${n}`, true, async (model) => {
    const parent = pick(model, n);
    const agent = { name: model.prefix + (NAMES[name] ?? ""), instance: INSTANCES[instance] };
    const suffix = agent.instance === undefined ? "" : `#${agent.instance}`;
    const link = model.links++;
    const caveat = delegates ? `agent = ${agent.name}${suffix}` : `note.n${link} != ${link}`;
    // Two identical delegations of one parent are one link: the second is the first again.
    const text = narrow(parent.text, caveat);
    const same = model.nodes.find((node) => node.text === text);
    model.nodes.push(
      same ?? {
        ...parent,
        text,
        links: [...parent.links, link],
        agents: delegates ? [...parent.agents, agent] : parent.agents,
      },
    );
  });
}

function targetOf(model: Model, node: Node, kind: (typeof TARGETS)[number], n: number): RevokeTarget {
  const issuedBefore = undefined;
  const { tokenId } = node;
  const name = model.prefix + (NAMES[n % NAMES.length] ?? "");
  const instance = INSTANCES[n % 2 === 0 ? 0 : n % 3];
  const agent = instance === undefined ? name : `${name}#${instance}`;
  switch (kind) {
    case "token":
      return { kind, token: node.text };
    case "revocation_id":
      return { kind, revocationId: linkOf(node.text) };
    case "token_id":
      return { kind, tokenId };
    case "principal":
      return { kind, issuer: OWN_ISSUER, subject: model.prefix + node.subject, issuedBefore };
    case "principal_id":
      return { kind, id: node.principalId, issuedBefore };
    case "agent":
      return { kind, agent, tokenId: undefined, issuedBefore };
    case "agent in tree":
      return { kind: "agent", agent, tokenId, issuedBefore };
    case "key_id":
      return { kind, keyId: node.keyId };
    case "platform":
      return { kind, platform: "default", issuedBefore };
    default:
      return kind satisfies never;
  }
}

/** What a target kills, said independently of how it is looked up. */
function killsOf(target: RevokeTarget, node: Node, until: { readonly order: number; readonly at: number }) {
  const link = node.links.at(-1) ?? -1;
  const older = (other: Node) => other.order < until.order || other.issuedAt < until.at;
  switch (target.kind) {
    case "token":
    case "revocation_id":
      return (other: Node) => other.links.includes(link);
    case "token_id":
      return (other: Node) => other.tree === node.tree;
    case "principal":
    case "principal_id":
      return (other: Node) => other.subject === node.subject && older(other);
    case "agent": {
      const [name, instance] = target.agent.split("#");
      return (other: Node) =>
        older(other) &&
        (target.tokenId === undefined || other.tree === node.tree) &&
        other.agents.some(
          (agent) => agent.name === name && (instance === undefined || agent.instance === instance),
        );
    }
    case "key_id":
      return (other: Node) => other.keyId === target.keyId;
    case "approval_id":
      // No token of this model rests on an approval.
      return () => false;
    case "platform":
      return older;
    default:
      return target satisfies never;
  }
}

function revoke(n: number, kindIndex: number, authorIndex: number, replica: number, more: number): Command {
  const kind = TARGETS[kindIndex] ?? "token";
  const author = AUTHORS[authorIndex] ?? "administrator";
  return command(`revoke ${kind} ${n} by ${author}`, true, async (model, real) => {
    const node = pick(model, n);
    // Whoever signs everything must not be replaced at every turn, and a person may not revoke keys.
    const named = kind === "key_id" && (author === "principal" || more % 4 !== 0) ? "token_id" : kind;
    const target = targetOf(model, node, named, more);
    const dead = model.rules.some(({ kills }) => kills(node));
    const caller: Caller | undefined =
      named === "token"
        ? undefined
        : author === "principal"
          ? person(model.prefix + node.subject)
          : author === "platform"
            ? platformCaller("default")
            : person("root", true);
    const at = real.replicas[replica % real.replicas.length] ?? real.replicas[0];
    if (named === "token" && dead) return; // holders of what is dead may be held to a rate
    const answer = await at.composed.service.revocations.revoke(caller, {
      targets: [target],
      reason: undefined,
    });
    const [made] = answer.revocations;
    if (made === undefined) throw new Error("no entry was answered");
    const { revocation } = made;
    const before = "issuedBefore" in revocation.target ? revocation.target.issuedBefore : 0;
    const kills = killsOf(target, node, { order: model.order, at: before });
    // A person's own entry reaches their own tokens only.
    const within = author === "principal" && named !== "token" ? node.subject : undefined;
    model.rules.push({
      kills: (other) => (within === undefined || other.subject === within) && kills(other),
    });
    model.sequence = later(model.sequence, answer.sequence);
  });
}

function later(a: string | undefined, b: string): string {
  const [x, y] = [a === undefined ? undefined : parseSequence(a), parseSequence(b)];
  return x !== undefined && y !== undefined && x.number > y.number ? printSequence(x) : b;
}

function verify(n: number, replica: number): Command {
  return command(`verify ${n}`, true, async (model, real) => {
    const node = pick(model, n);
    const at = real.replicas[replica % real.replicas.length] ?? real.replicas[0];
    const expected = model.rules.some(({ kills }) => kills(node)) ? "revoked" : "allowed";
    let outcome = await at.verify(node.text, model.sequence);
    // The context says nothing of the notes that attenuation added: only what is revoked counts here.
    if (outcome === "caveat_failed") outcome = "allowed";
    if (outcome !== expected) throw new Error(`${outcome} where ${expected} is right: ${node.tokenId}`);
  });
}

/** Random commands: about as much growing as revoking, and most of all verifying. */
function commands(most: number): fc.Arbitrary<Iterable<Command>> {
  const n = fc.nat(11);
  const replica = fc.nat(1);
  const growing = fc.tuple(n, fc.nat(2), fc.nat(2), fc.boolean()).map((all) => grow(...all));
  const revoking = fc
    .tuple(n, fc.nat(TARGETS.length - 1), fc.nat(2), replica, fc.nat(1_000))
    .map((all) => revoke(...all));
  const verifying = fc.tuple(n, replica).map((all) => verify(...all));
  const issuing = fc.nat(2).map(issue);
  return fc.commands(
    [issuing, issuing, growing, growing, growing, revoking, verifying, verifying, verifying],
    {
      maxCommands: most,
      size: "max",
    },
  );
}

let runs = 0;

/** Runs commands against replicas until so many have been executed; throws at the first difference. */
export async function runModel(real: Real, total: number, most: number, seed: number): Promise<number> {
  for (let round = 0; real.executed < total; round++) {
    await fc.assert(
      fc.asyncProperty(commands(most), async (all) => {
        const prefix = `m${Date.now().toString(36)}-${++runs}-`;
        const setup = () => ({
          model: { nodes: [], rules: [], prefix, order: 0, links: 0, sequence: undefined } as Model,
          real,
        });
        await fc.asyncModelRun(setup, all);
      }),
      { numRuns: 2, seed: seed + round, endOnFailure: true },
    );
  }
  return real.executed;
}
