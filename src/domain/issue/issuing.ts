import { loginRevoked } from "../grant.ts";
import type { RootKey, RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { createGathering, eventualOutcome, type Outcome } from "../parts/gathering.ts";
import { DEFAULT_TOKEN_LIFE, MAX_TOKEN_LIFE } from "../parts/lifetimes.ts";
import { beginTimeSlice, type SliceClock, type TimeSlice } from "../parts/time-slice.ts";
import { voucherOf } from "../parts/voucher.ts";
import type { Actor } from "../ports/audit.ts";
import type { IssueMoment, NewIssue, Renewal, Who } from "../ports/issues.ts";
import type { Redeeming } from "../ports/oauth.ts";
import { type PolicyRule, type PolicySubject, ruleFor } from "../ports/policy.ts";
import type { Principal } from "../ports/principals.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { TokenRecord } from "../ports/tokens.ts";
import { newPrincipal } from "../principals.ts";
import type { IssuedToken, IssueRequest } from "../service.ts";
import { overtaken, type SealAnswer } from "./idempotency.ts";
import { lifeLeft, lineCrowded, lineFor, sessionOver } from "./line.ts";
import { issuedLinks, type ThirdParty } from "./minting.ts";
import { allowedLife, mintToken } from "./new-token.ts";

/** A token that is to be renewed, found good, and what its successor has to keep. */
export interface RenewalJob {
  readonly record: Renewal;
  /** Unix milliseconds. */
  readonly endsAt: number;
  /** When the first of the line was issued, unix milliseconds. */
  readonly firstAt: number;
  /** Every issued caveat of the token but its life, in their order. */
  readonly caveats: readonly string[];
}

/** A request for a token, read and authorised. */
export interface IssueJob {
  readonly actor: Actor;
  /** The name under which it waits among others. */
  readonly payer: string;
  /** When the person, or else their issuer, last spoke whose login is redeemed, unix milliseconds; undefined without a login. */
  readonly spokeAt: number | undefined;
  /** The end of whatever is issued, unix milliseconds; undefined without such a bound. */
  readonly until?: number | undefined;
  /** Absent for a token that renews none. */
  readonly renewal?: RenewalJob;
  readonly subject: PolicySubject;
  readonly email: string | null;
  /** When the issuer said what stands in `email`, unix milliseconds; `NO_WORD` if it is not known. */
  readonly saidAt: number;
  readonly development: boolean;
  /** Token id of the credential that asks; null if the principal asks. */
  readonly credentialId: string | null;
  readonly request: Pick<IssueRequest, "platform" | "ttl" | "caveats" | "label">;
  readonly parties: readonly ThirdParty[];
  /** Told beside the token's own. */
  readonly warnings: readonly string[];
  /** A refusal that follows the policy's own: it says whether an e-mail is known. */
  readonly fault: DomainError | undefined;
  readonly seal: SealAnswer;
  /** Of a grant that is redeemed at the token endpoint: the form of its token; absent if none is. */
  readonly redeems?: Redemption | undefined;
}

/** A token that was minted for a grant, and is not on record yet. */
export interface RedeemedToken {
  /** The token itself: a secret. */
  readonly text: string;
  readonly token: TokenRecord;
  /** The revocation ids of its issued links. */
  readonly links: readonly Uint8Array[];
}

/** How a grant is redeemed, once policy has admitted its person anew. */
export interface Redemption {
  /** Decides the token's caveats and life. @throws the error that the client is refused with */
  shape(
    rule: PolicyRule,
    now: number,
  ): { readonly caveats: readonly string[] /** Milliseconds. */; readonly life: number };
  /** The changes that go with the token. Called again if another attempt mints another token. Absent if there are none. */
  record?(minted: RedeemedToken, rule: PolicyRule): Redeeming;
  /** For the audit event of the token. */
  readonly details: Readonly<Record<string, string>>;
  /** The part of a group's room that it takes besides: the links that it is held against the revocation log by. */
  readonly weight: number;
}

/** An issued token and its principal. */
export interface Issued {
  readonly answer: IssuedToken;
  readonly principal: Principal;
  /** The changes that were recorded with it, of a grant that was redeemed. */
  readonly redeems?: Redeeming | undefined;
}

/** Issues one token, which is on record when this resolves. */
export type Issuing = (job: IssueJob) => Promise<Issued>;

interface Minted extends Issued {
  readonly issue: NewIssue;
}

interface Ready {
  /** Undefined for a principal that is not on record. */
  readonly known: Principal | undefined;
  /** The date of the issuer's word on the person, unix milliseconds; undefined if it is not known. */
  readonly saidAt: number | undefined;
  /** Whether this very group puts the principal on record. */
  readonly fresh: boolean;
  readonly rootKey: RootKey | undefined;
}

/**
 * The room of one group, in caveats, unless a single request takes more: its requests wait for one another, and are written
 * by one statement.
 */
const CAVEATS_TOGETHER = 500;

/** Characters of caveats that take as much room as one more caveat. */
const CHARACTERS = 200;

/** Groups under way at a time: while one is written, the next is read and minted. */
const AT_ONCE = 2;

/** Most attempts at a request, if another replica puts its new principal on record first. */
const ATTEMPTS = 3;

/** The date of an issuer's word that nobody knows. */
export const NO_WORD = Number.NEGATIVE_INFINITY;

/** The one answer for a platform that is not there, is foreign, or does not admit the principal. */
export function notAdmitted(): DomainError {
  return new DomainError("forbidden", "no platform of this name issues tokens to this principal", "platform");
}

/** The principal that a token is asked for. */
function whoOf({ request: { platform }, subject: { kind, issuer, subject, assertedBy } }: IssueJob): Who {
  return { platform, issuer: voucherOf(kind, issuer), subject, assertedBy };
}

function isOnClient(caveat: string): boolean {
  return caveat.startsWith("client ");
}

function clientInPolicy(): DomainError {
  const why =
    "the platform's policy has a caveat on client, which is the token endpoint's to write: change it";
  return new DomainError("unprocessable", why, "platform");
}

/** A code or refresh token that somebody else has redeemed at the same time, or whose family has ended. */
export class GrantGone extends Error {
  override readonly name = "GrantGone";
}

/** The form of a token that is asked for by itself, or by showing the one that it renews. */
function asAsked(rule: PolicyRule, job: IssueJob, now: number): ReturnType<Redemption["shape"]> {
  const { request, renewal } = job;
  const longest = Math.min(rule.maxTtl * 1000, MAX_TOKEN_LIFE, lifeLeft(rule, job, now));
  const life = allowedLife(request.ttl, longest, DEFAULT_TOKEN_LIFE);
  const kept = renewal?.caveats ?? [];
  // Those of the policy that stood then are kept, and need not be said twice.
  const ofPolicy = rule.caveats.filter((caveat) => !kept.includes(caveat));
  return { life, caveats: [...ofPolicy, ...kept, ...request.caveats] };
}

function crowded(): DomainError {
  return new DomainError("unavailable", "the principal is being put on record by others");
}

/**
 * Makes the issuing of tokens under policy. Requests that arrive at the same time are issued as a group.
 *
 * A group takes two statements. The first reads the clock, the policies and the principals; the second commits
 * principal, token, audit event and kept answer of every request, but for those with a revoked login. Between the two,
 * each request is decided and minted by itself, so a refused request holds up no other.
 *
 * @param ownIssuer the issuer of rules that name none
 * @returns issues one token, which is on record when this resolves
 */
export function createIssuing(options: {
  readonly store: Pick<Store, "issues">;
  readonly rootKeys: RootKeys;
  readonly clock: SliceClock;
  readonly randomness: Randomness;
  readonly steps: Steps;
  readonly publicUrl: string;
  readonly ownIssuer: string;
}): Issuing {
  const { rootKeys, randomness, steps, ownIssuer } = options;
  const { issues } = options.store;

  async function mintFor(
    job: IssueJob,
    { now, policies }: IssueMoment,
    { known, saidAt, fresh, rootKey }: Ready,
    slice: TimeSlice,
  ): Promise<Minted> {
    const { subject, development, request, renewal } = job;
    // Only a younger word of the issuer replaces what it said before.
    const isYounger = job.saidAt !== NO_WORD && job.saidAt >= (saidAt ?? NO_WORD);
    const email = known === undefined || isYounger ? job.email : known.email;
    const policy = policies.get(request.platform);
    const rule = policy && ruleFor(policy, subject, ownIssuer);
    if (rule === undefined) throw notAdmitted();
    if (job.fault !== undefined) throw job.fault;
    if (rootKey === undefined) throw new DomainError("unavailable", "the platform has no signing key yet");
    // A policy of an older version may have one.
    if (rule.caveats.some(isOnClient)) throw clientInPolicy();
    const { caveats, life } = job.redeems?.shape(rule, now) ?? asAsked(rule, job, now);

    const wanted = { ...whoOf(job), email, development };
    const principal = known === undefined ? newPrincipal(randomness, now, wanted) : { ...known, email };
    const {
      answer: minted,
      token,
      event,
    } = await mintToken({
      rootKey,
      principal,
      location: options.publicUrl,
      now,
      life,
      caveats,
      thirdParties: job.parties,
      label: request.label,
      issuedBy: job.credentialId,
      audit: {
        action: renewal === undefined ? "token.issued" : "token.renewed",
        actor: job.actor,
        platform: request.platform,
        details: {
          key_id: rootKey.id,
          principal_id: principal.id,
          ...(renewal && { predecessor: renewal.record.predecessor, line: renewal.record.line }),
          ...job.redeems?.details,
        },
      },
      randomness,
      slice,
    });
    const answer = { ...minted, warnings: [...minted.warnings, ...job.warnings] };
    const newcomer = fresh || known?.email !== email;
    const { issuer } = principal;
    const grant =
      job.spokeAt === undefined
        ? undefined
        : { platform: request.platform, issuer, subject: subject.subject, spokeAt: job.spokeAt };
    const redeems = job.redeems?.record?.(
      { text: answer.token, token, links: issuedLinks(rootKey, token) },
      rule,
    );
    const line = renewal === undefined ? lineFor(job, rule, token, now) : { renewal: renewal.record };
    return {
      answer,
      principal,
      redeems,
      issue: { token, principal, newcomer, event, grant, ...line, redeems, answer: job.seal(answer) },
    };
  }

  /**
   * Mints the token of each request by itself, and lets everybody else have their turns in between. Requests for the same
   * new principal share one principal.
   */
  async function mintAll(
    jobs: readonly IssueJob[],
    moment: IssueMoment,
  ): Promise<readonly Outcome<Minted>[]> {
    const newcomers = new Map<string, { readonly principal: Principal; readonly saidAt: number }>();
    const signing = new Map<string, RootKey | undefined>();
    const slice = beginTimeSlice(options.clock);
    const outcomes: Outcome<Minted>[] = [];
    for (const [index, job] of jobs.entries()) {
      if (slice.isOver()) await slice.next();
      const outcome = await eventualOutcome(async () => {
        const { platform } = job.request;
        if (!signing.has(platform)) signing.set(platform, rootKeys.signing(platform, moment.now));
        const { issuer, subject, assertedBy } = whoOf(job);
        const who = JSON.stringify([platform, issuer, subject, assertedBy]);
        const newcomer = newcomers.get(who);
        const ready = {
          known: newcomer?.principal ?? moment.principals[index],
          saidAt: newcomer?.saidAt ?? moment.saidAt[index],
          fresh: newcomer !== undefined,
          rootKey: signing.get(platform),
        };
        const minted = await mintFor(job, moment, ready, slice);
        if (minted.issue.newcomer) {
          const saidAt = Math.max(job.saidAt, ready.saidAt ?? NO_WORD);
          newcomers.set(who, { principal: minted.principal, saidAt });
        }
        return minted;
      });
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async function issueAll(jobs: readonly IssueJob[], attempt = 1): Promise<readonly Outcome<Issued>[]> {
    const moment = await issues.look(jobs.map(whoOf));
    const minted = await mintAll(jobs, moment);
    await steps.passed("issue:minted");
    const sound = minted.flatMap((one) => (one.ok ? [one.value] : []));
    const recorded = sound.length === 0 ? [] : await issues.record(sound.map(({ issue }) => issue));
    const outcome = new Map(sound.map((one, index) => [one, recorded[index]]));
    const again = jobs.filter((_, index) => {
      const one = minted[index];
      return one?.ok && outcome.get(one.value) === "principal taken";
    });
    const repeated = (await issueAgain(again, attempt)).values();
    return minted.map((one): Outcome<Issued> => {
      if (!one.ok) return one;
      switch (outcome.get(one.value)) {
        case "recorded":
          return one;
        case "lease lost":
          return { ok: false, error: overtaken() };
        case "login revoked":
          return { ok: false, error: loginRevoked() };
        case "line over":
          return { ok: false, error: sessionOver() };
        case "line crowded":
          return { ok: false, error: lineCrowded() };
        case "grant gone":
          return { ok: false, error: new GrantGone() };
        default:
          return repeated.next().value ?? { ok: false, error: crowded() };
      }
    });
  }

  /**
   * Repeats the requests for principals that another replica put on record meanwhile. Never rejects, because the other
   * requests of the group are done by now.
   */
  async function issueAgain(jobs: readonly IssueJob[], attempt: number): Promise<readonly Outcome<Issued>[]> {
    if (jobs.length === 0 || attempt === ATTEMPTS) return [];
    try {
      return await issueAll(jobs, attempt + 1);
    } catch (error) {
      return jobs.map(() => ({ ok: false, error }));
    }
  }

  const gathering = {
    run: (jobs: readonly IssueJob[]) => issueAll(jobs),
    weigh: ({ request, parties, renewal, redeems }: IssueJob) => {
      const caveats = [...request.caveats, ...(renewal?.caveats ?? [])];
      const characters = caveats.reduce((sum, { length }) => sum + length, 0);
      const asked = caveats.length + parties.length + Math.floor(characters / CHARACTERS);
      return 1 + asked + (redeems?.weight ?? 0);
    },
    room: CAVEATS_TOGETHER,
    atOnce: AT_ONCE,
    // With many heavy requests of one caller, those of others would come after all of them.
    lane: ({ payer }: IssueJob) => [payer],
  };
  // Codes and refresh tokens are redeemed by a statement of their own, which looks through revocations while it holds their log.
  const others = createGathering(gathering);
  const grants = createGathering({ ...gathering, atOnce: 1 });
  return (job) => (job.redeems === undefined ? others : grants)(job);
}
