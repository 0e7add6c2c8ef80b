import { createHash } from "node:crypto";
import { actorOf, auditEvent } from "../audit.ts";
import { requireCaveats } from "../issue/minting.ts";
import { DomainError } from "../parts/error.ts";
import { beginTimeSlice, mapInSlices, type SliceClock } from "../parts/time-slice.ts";
import { requireAdministrator } from "../permission.ts";
import type { Policies, PolicyTrial, TriedPrincipal } from "../policy-service.ts";
import type { Clock } from "../ports/clock.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import { type Policy, type PolicyRule, type PolicySubject, readPolicyFor } from "../ports/policy.ts";
import type { PrincipalKind } from "../ports/principals.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";

/**
 * Refuses a policy that could not be meant.
 *
 * @returns rejects with `invalid_request` that names the member at fault
 */
export async function requirePolicy(policy: Policy, clock: SliceClock): Promise<void> {
  const slice = beginTimeSlice(clock);
  for (const [index, rule] of policy.rules.entries()) {
    if (slice.isOver()) await slice.next();
    await requireCaveats(rule.caveats, `rules[${index}].caveats`, slice);
    const unvouched = rule.groups === null ? rule.claims && "claims" : "groups";
    if (rule.onBehalfOf && unvouched !== undefined) {
      const why = `cannot go with ${unvouched}: nobody vouches for the ${unvouched} of somebody a platform speaks for`;
      throw new DomainError("invalid_request", why, `rules[${index}].on_behalf_of`);
    }
  }
}

/** The members of a rule in one order: the database gives them back in another one than they came in. */
function canonicalRule(rule: PolicyRule): string {
  const { issuer, groups, subjects, claims = null, caveats, maxTtl, session = null, onBehalfOf } = rule;
  const asked = claims?.map(({ claim, values }) => [claim, values]) ?? null;
  return JSON.stringify([issuer, groups, subjects, asked, caveats, maxTtl, session, onBehalfOf]);
}

/** The name of a policy's state: a hash, in turns, as a policy may have a megabyte. */
async function versionOf({ rules, clients }: Policy, clock: SliceClock): Promise<string> {
  const hash = createHash("sha256");
  await mapInSlices(rules, clock, (rule) => hash.update(`${canonicalRule(rule)}\n`));
  if (clients !== undefined)
    hash.update(JSON.stringify([clients.metadataDocuments, clients.domains ?? null]));
  return hash.digest("base64url").slice(0, 22);
}

/** Members that restrict and that an older client does not know: it would leave them out of the policy that it puts. */
function restrictions({ rules, clients }: Policy): ReadonlyMap<string, number> {
  return new Map([
    ["claims", rules.filter(({ claims }) => claims !== undefined).length],
    ["session", rules.filter(({ session }) => session !== undefined).length],
    ["clients", clients === undefined ? 0 : 1],
    // Without `clients` there is nothing left that its domains would restrict.
    ["clients.domains", clients?.domains === undefined ? 0 : 1],
  ]);
}

function requireNothingDropped(standing: Policy, policy: Policy): void {
  const after = restrictions(policy);
  for (const [member, count] of restrictions(standing)) {
    if ((after.get(member) ?? 0) >= count) continue;
    const why = `${member} would be dropped from the policy that stands: to mean that, send If-Match with the ETag that reading it gave`;
    throw new DomainError("conflict", why, member);
  }
}

const unknown = () => new DomainError("not_found", "no such platform");

function hasChanged(): DomainError {
  return new DomainError("precondition_failed", "another policy stands: read it again", "If-Match");
}

/**
 * Makes the use cases of policies.
 *
 * @param ownIssuer the issuer of rules and principals that name none
 * @param vouches whether an issuer is trusted here to speak of principals of a kind
 */
export function createPolicies(options: {
  readonly store: Store;
  readonly clock: Pick<Clock, "monotonic">;
  readonly randomness: Randomness;
  readonly ownIssuer: string;
  readonly vouches: (issuer: string, kind: PrincipalKind) => boolean;
}): Policies {
  const { store, clock, randomness, ownIssuer } = options;

  async function standing(platform: string): Promise<Policy> {
    const found = platform === SERVICE_PLATFORM ? undefined : await store.platforms.find(platform);
    if (found === undefined) throw unknown();
    return found.policy;
  }

  function warningsFor(issuer: string, { kind, onBehalfOf }: TriedPrincipal): readonly string[] {
    if (onBehalfOf || options.vouches(issuer, kind)) return [];
    const who = kind === "person" ? "people" : "workloads";
    return [`OIDC_TRUSTED_ISSUERS names no such issuer of ${who}: nobody of this description is known here`];
  }

  return {
    async get(caller, platform) {
      requireAdministrator(caller, "policy", platform);
      const policy = await standing(platform);
      return { policy, version: await versionOf(policy, clock) };
    },

    async put(caller, platform, policy, condition) {
      requireAdministrator(caller, "policy", platform);
      await requirePolicy(policy, clock);
      await store.transaction("set policy", async (repositories) => {
        // Held until the end: of two callers that have read the same policy, one replaces it.
        const held = platform === SERVICE_PLATFORM ? undefined : await repositories.platforms.lock(platform);
        if (held === undefined) throw unknown();
        if (condition === undefined) requireNothingDropped(held.policy, policy);
        else if (condition !== "any" && !condition.includes(await versionOf(held.policy, clock))) {
          throw hasChanged();
        }
        if (!(await repositories.platforms.setPolicy(platform, policy))) throw unknown();
        const details = { rules: policy.rules.length };
        const event = { action: "policy.changed", actor: actorOf(caller), platform, details } as const;
        await repositories.audit.append([auditEvent(randomness, await repositories.now(), event)]);
      });
      return { policy, version: await versionOf(policy, clock) };
    },

    async tryOut(caller, platform, principal, candidate): Promise<PolicyTrial> {
      requireAdministrator(caller, "policy", platform);
      const stands = await standing(platform);
      if (candidate !== undefined) await requirePolicy(candidate, clock);
      const policy = candidate ?? stands;
      const issuer = principal.issuer ?? ownIssuer;
      const subject: PolicySubject = {
        issuer,
        kind: principal.kind,
        subject: principal.subject,
        groups: principal.groups,
        ...(principal.claims && { claims: principal.claims }),
        assertedBy: principal.onBehalfOf ? "platform" : "issuer",
      };
      const reading = readPolicyFor(policy, subject, ownIssuer);
      const decides = reading.find();
      const before = policy.rules.slice(0, decides?.index);
      const passedOver = await mapInSlices(before, clock, (rule, index) => ({
        index,
        why: reading.whyNot(rule),
      }));
      return { decides, passedOver, warnings: warningsFor(issuer, principal) };
    },
  };
}
