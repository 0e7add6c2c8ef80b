import type { Caveat } from "../../caveats/caveat.ts";
import type { Condition } from "../../caveats/condition.ts";
import { isProvenClient } from "../../caveats/proven-client.ts";
import type { JsonObject } from "../../json/value.ts";
import { SCOPE } from "../../words/ids.ts";
import type { Decided, DecidedVerdict } from "../decided.ts";
import type { Introspecting, Introspection } from "../introspection-service.ts";
import { requirePlatform } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import type { AskingResource, KnownResources } from "../replica/known-resources.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { askingResource } from "./asking.ts";
import { linksOf } from "./bundle-texts.ts";
import { clearToken } from "./clear-token.ts";
import { aboutToken, type DecisionRecord, NO_RECORD } from "./decision-record.ts";
import type { VerdictObserver } from "./observer.ts";
import type { TokenVerifier, VerifiedToken } from "./verify-token.ts";

const INACTIVE: Introspection = { active: false };
const NO_CONTEXT: JsonObject = new Map();

/** A caveat in whose place nothing is cleared. */
const REPORTED: Condition = { state: "third_party", location: "" };

/** The scopes that a caveat allows, if it is one that the answer reports. */
function scopesOf(caveat: Caveat): readonly string[] | undefined {
  if (caveat.kind !== "equality" && caveat.kind !== "membership") return undefined;
  if (caveat.attribute !== "scope") return undefined;
  if (caveat.kind === "equality") return caveat.operator === "=" ? [caveat.value] : undefined;
  return caveat.operator === "in" ? caveat.items : undefined;
}

function reportedOf(condition: Condition): readonly string[] | undefined {
  return condition.state === "known" ? scopesOf(condition.caveat) : undefined;
}

/** A token without what the answer reports of it. */
function withoutScopes(token: VerifiedToken): VerifiedToken {
  const rest = (conditions: readonly Condition[]) =>
    conditions.map((condition) => (reportedOf(condition) === undefined ? condition : REPORTED));
  return {
    ...token,
    conditions: rest(token.conditions),
    dischargeConditions: token.dischargeConditions.map(rest),
  };
}

/** The scopes that all of a token's caveats allow, those of its discharges too; undefined if none is on scopes. */
function sharedScopes({ conditions, dischargeConditions }: VerifiedToken): readonly string[] | undefined {
  let shared: ReadonlySet<string> | undefined;
  for (const condition of [conditions, ...dischargeConditions].flat()) {
    const scopes = reportedOf(condition);
    if (scopes === undefined) continue;
    const before = shared;
    shared = new Set(before === undefined ? scopes : scopes.filter((scope) => before.has(scope)));
  }
  return shared && [...shared];
}

function clientOf({ conditions, identifier }: VerifiedToken): string | undefined {
  for (const [index, condition] of conditions.entries()) {
    if (condition.state !== "known" || condition.caveat.kind !== "client") continue;
    if (isProvenClient(conditions, index, identifier.issuedCaveats)) return condition.caveat.id;
  }
  return undefined;
}

/** What is to be said of a token at one place, and how that is recorded. */
interface Inspected {
  readonly said: Introspection;
  readonly verdict: DecidedVerdict;
  /** Undefined if the token's signatures are not right. */
  readonly about: Decided | undefined;
}

/**
 * Looks whether a token is active at a place: of a platform, and of one of its resources if it is asked there.
 *
 * Rejects with `unavailable` where it cannot be known.
 */
export type Inspecting = (
  text: string,
  platform: string,
  asking: AskingResource | undefined,
) => Promise<Inspected>;

/**
 * Makes the look. It clears a token for a call of which nothing is known: so everything fails that depends on the call, on
 * a charge or on a proof, and only scopes are left to the resource, which the answer tells it.
 */
export function createInspecting(options: {
  readonly tokenVerifier: Pick<TokenVerifier, "verify">;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  readonly clock: Pick<Clock, "now">;
  readonly observe?: VerdictObserver;
}): Inspecting {
  const { tokenVerifier, knowledge, clock } = options;
  return async (text, platform, asking) => {
    const verification = await tokenVerifier.verify(text, [], platform);
    // Nothing is waited for from here on: the answer is as fresh as the bound promises.
    knowledge.requireFresh();
    if (!verification.ok) {
      return { said: INACTIVE, verdict: { allowed: false, code: verification.code }, about: undefined };
    }
    const { token } = verification;
    const { refusal, agents } = clearToken(withoutScopes(token), NO_CONTEXT, clock.now(), asking);
    const scopes = sharedScopes(token);
    // One that is no scope token would be read as several, or as another.
    const isSaid = scopes === undefined || (scopes.length > 0 && scopes.every((one) => SCOPE.test(one)));
    const code = refusal?.code ?? (isSaid ? undefined : "caveat_failed");
    options.observe?.(token, code === undefined);
    const about = aboutToken(token);
    if (code !== undefined) return { said: INACTIVE, verdict: { allowed: false, code }, about };
    const isForResources = token.conditions.some(
      (condition) => condition.state === "known" && condition.caveat.kind === "audience",
    );
    const said: Introspection = {
      active: true,
      tokenId: token.identifier.tokenId,
      principal: token.principal,
      issuedAt: token.issuedAt,
      expiresAt: token.endsAt,
      agents,
      revocationIds: linksOf(token),
      resource: isForResources ? asking?.uri : undefined,
      scopes,
      client: clientOf(token),
    };
    return { said, verdict: { allowed: true }, about };
  };
}

/** Makes introspection, for platforms' credentials. */
export function createIntrospection(options: {
  readonly inspect: Inspecting;
  readonly resources: KnownResources;
  readonly record?: DecisionRecord;
}): Introspecting {
  const { inspect, resources } = options;
  const record = options.record ?? NO_RECORD;
  return {
    async introspect(caller, text) {
      const platform = requirePlatform(caller, "verify");
      const asking = await askingResource(resources, caller, platform, undefined);
      const { said, verdict, about } = await inspect(text, platform, asking);
      requirePlatform(caller, "verify");
      record.note(caller, { dryRun: false, resource: asking?.uri }, verdict, about);
      return said;
    },
  };
}
