import { parseTerms } from "../../conditions/parse.ts";
import { actorOf } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { DischargeKeys } from "../keys/discharge-keys.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { pageInParts } from "../parts/page-in-parts.ts";
import { mapInSlices, mapInTurns, type TimeSlice } from "../parts/time-slice.ts";
import { payerName } from "../parts/turn.ts";
import { readVoucher } from "../parts/voucher.ts";
import { payerOf } from "../payer.ts";
import { requirePlatform } from "../permission.ts";
import { createPersonAllowance, TOKENS } from "../person-allowance.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { TokenWithPrincipal } from "../ports/tokens.ts";
import type { Principals } from "../principals.ts";
import type { IssuedToken, IssueRequest, Tokens, TokenView } from "../service.ts";
import { type AskedCondition, resolveApprovers } from "./approvers.ts";
import { revokedBelow } from "./dead-branches.ts";
import type { Idempotency } from "./idempotency.ts";
import { type IssueJob, type Issuing, NO_WORD, notAdmitted } from "./issuing.ts";
import { requireCaveats, sealThirdParty } from "./minting.ts";
import { filterFor, ownToken } from "./own-token.ts";
import { createPeopleNotes } from "./people-notes.ts";

/**
 * Most characters of caveats that one page shows. A thousand tokens may have fifty million, and each is read,
 * summed up and held against the others while everybody else waits.
 */
const PAGE_CHARACTERS = 1_000_000;

/**
 * Tokens of a page that are read at once, and tickets that are sealed in one turn of the event loop. A token may have sixty
 * kilobytes, and nothing is known of one before it has been read.
 */
const READ_TOGETHER = 10;
/** Dead branches that are told of one token. */
const BRANCHES = 100;
const SEALED_TOGETHER = 1;

function charactersOf({ token }: TokenWithPrincipal): number {
  return token.caveats.reduce(
    (sum, caveat) => sum + ("text" in caveat ? caveat.text : caveat.location).length,
    0,
  );
}

/** Reads a condition, and refuses one that this service would never discharge while the asker can still mend it. */
function readCondition(text: string, member: string): AskedCondition {
  const reading = parseTerms(text);
  if (reading.ok) return { text, terms: reading.terms, member };
  throw new DomainError(
    reading.code === "unknown" ? "condition_unknown" : "invalid_request",
    reading.detail,
    member,
  );
}

interface Asked extends Pick<IssueJob, "subject" | "email" | "development" | "credentialId"> {
  readonly callerId: string;
}

/**
 * Issues root macaroons and lists them.
 *
 * The order of durable effects of an issue: (1) the claim of the idempotency key, if there is one; (2) the
 * principal, the token's record, the audit event and the answer under the key, committed by one statement; (3) the answer.
 * A token that reached its caller is on record. A token may be on record although its caller saw an error.
 *
 * @param ownIssuer the issuer that a subject without one belongs to
 * @param isDevelopment whether the own issuer is the development identity provider
 */
export function createTokens(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly rootKeys: RootKeys;
  readonly dischargeKeys: Pick<DischargeKeys, "publicKey">;
  readonly principals: Principals;
  readonly idempotency: Idempotency;
  readonly randomness: Randomness;
  readonly steps: Steps;
  /** Issues one token under policy. */
  readonly issueOne: Issuing;
  readonly view: (entry: TokenWithPrincipal, slice?: TimeSlice) => Promise<TokenView>;
  readonly publicUrl: string;
  readonly ownIssuer: string;
  readonly isDevelopment: boolean;
}): Tokens {
  const { store, rootKeys, randomness, steps, ownIssuer } = options;
  const { people } = store;
  const note = createPeopleNotes(options);
  const takeFromPerson = createPersonAllowance(options, TOKENS);
  const { issueOne } = options;

  function askedFor(caller: Caller, request: IssueRequest): Asked {
    if (caller.kind === "human") {
      if (request.onBehalfOf !== undefined) {
        throw new DomainError("forbidden", "only a platform may issue on behalf of somebody", "on_behalf_of");
      }
      const { issuer, subject, groups, email, development } = caller.identity;
      return {
        subject: {
          ...readVoucher(issuer),
          subject,
          groups,
          ...(caller.claims && { claims: caller.claims }),
          assertedBy: "issuer",
        },
        email,
        development,
        callerId: `human\n${issuer}\n${subject}`,
        credentialId: null,
      };
    }
    const platform = requirePlatform(caller, "issue");
    if (request.platform !== platform) throw notAdmitted();
    if (request.onBehalfOf === undefined) {
      throw new DomainError("invalid_request", "a platform issues for somebody: name them", "on_behalf_of");
    }
    const issuer = request.onBehalfOf.issuer ?? ownIssuer;
    return {
      subject: {
        issuer,
        kind: "person",
        subject: request.onBehalfOf.subject,
        groups: [],
        assertedBy: "platform",
      },
      email: null,
      development: options.isDevelopment && issuer === ownIssuer,
      // A narrowed credential is another caller: the answer is a token, which it might not have been given.
      callerId: `credential\n${caller.links.at(-1)}`,
      credentialId: caller.credentialId,
    };
  }

  /** The conditions that this service is to discharge, by their place in the request. */
  async function ownConditions({
    thirdPartyCaveats,
  }: IssueRequest): Promise<ReadonlyMap<number, AskedCondition>> {
    const own = new Map<number, AskedCondition>();
    await mapInSlices(thirdPartyCaveats, options.clock, ({ location, condition, publicKey }, index) => {
      if (publicKey !== undefined) return;
      const caveat = `third_party_caveats[${index}]`;
      if (location !== options.publicUrl) {
        throw new DomainError(
          "invalid_request",
          "is needed: no location is ever fetched",
          `${caveat}.public_key`,
        );
      }
      own.set(index, readCondition(condition, `${caveat}.condition`));
    });
    return own;
  }

  // Sealed before anything is written: the caller can mend a condition that cannot be sealed.
  async function thirdParties(request: IssueRequest): Promise<Pick<IssueJob, "parties" | "warnings">> {
    const asked = request.thirdPartyCaveats;
    if (asked.length === 0) return { parties: [], warnings: [] };
    const conditions = await ownConditions(request);
    const settled = { people, issuer: ownIssuer, clock: options.clock };
    const approvers = await resolveApprovers([...conditions.values()], settled);
    const resolved = new Map([...conditions.keys()].map((index, at) => [index, approvers[at]?.condition]));
    const ownKey = Buffer.from(await options.dischargeKeys.publicKey());
    for (const [index, { location, publicKey }] of asked.entries()) {
      // Its discharges would pass for this service's, and be somebody else's.
      if (location !== options.publicUrl || publicKey === undefined) continue;
      if (Buffer.from(publicKey, "base64").equals(ownKey)) continue;
      const why = "is not this service's, whose location this is: leave it out";
      throw new DomainError("invalid_request", why, `third_party_caveats[${index}].public_key`);
    }
    const own = ownKey.toString("base64");
    const parties = await mapInTurns(asked, SEALED_TOGETHER, (party, index) => {
      const condition = resolved.get(index) ?? party.condition;
      const { location, publicKey = own } = party;
      return sealThirdParty({ location, condition, publicKey }, randomness, `third_party_caveats[${index}]`);
    });
    return { parties, warnings: approvers.flatMap(({ warnings }) => warnings) };
  }

  /** As `thirdParties`. An e-mail that cannot be resolved is told of after the policy has admitted the caller, not before. */
  async function partiesOf(request: IssueRequest): Promise<Pick<IssueJob, "parties" | "warnings" | "fault">> {
    try {
      return { ...(await thirdParties(request)), fault: undefined };
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "unprocessable") throw error;
      return { parties: [], warnings: [], fault: error };
    }
  }

  return {
    async issue(caller, request, idempotencyRequest) {
      const asked = askedFor(caller, request);
      await requireCaveats(request.caveats, "caveats", options.clock);
      const { parties, warnings, fault } = await partiesOf(request);
      if (caller.kind === "human" && caller.saidAt !== undefined) await note(caller.identity, caller.saidAt);
      return options.idempotency.once(
        asked.callerId,
        idempotencyRequest,
        async (seal) => {
          takeFromPerson(caller);
          await steps.passed("issue:begun");
          await rootKeys.prepare(request.platform);
          const { answer, principal } = await issueOne({
            ...asked,
            actor: actorOf(caller),
            payer: payerName(payerOf(caller)),
            spokeAt: caller.kind === "human" ? caller.spokeAt : undefined,
            // A platform speaks for itself, now.
            saidAt: caller.kind === "human" ? (caller.saidAt ?? NO_WORD) : Number.POSITIVE_INFINITY,
            until: caller.kind === "human" ? caller.until : undefined,
            request,
            parties,
            warnings,
            fault,
            seal,
          });
          options.principals.remember(principal);
          await steps.passed("issue:committed");
          return answer;
        },
        // This service sealed it, so this service wrote it.
        (kept) => kept as IssuedToken,
      );
    },

    async list(caller, platform, page) {
      const filter = filterFor(caller, platform);
      return pageInParts(page, options.clock, {
        part: READ_TOGETHER,
        read: (part) => store.tokens.list(filter, part),
        work: options.view,
        key: ({ token }) => token.id,
        weight: { most: PAGE_CHARACTERS, of: charactersOf },
      });
    },

    async get(caller, tokenId) {
      const entry = await ownToken(store, caller, tokenId);
      const { platform } = entry.token;
      const { issuer, subject } = entry.principal;
      const entries = await store.revocations.below({ tokenId, platform, issuer, subject }, BRANCHES);
      const now = options.clock.now();
      const [line, predecessor] = [
        await store.lines.find(tokenId, now),
        await store.lines.predecessor(tokenId),
      ];
      return {
        ...(await options.view(entry)),
        predecessor,
        renewableUntil: entry.token.expiresAt > now ? line?.endsAt : undefined,
        revokedBelow: revokedBelow(caller, entry, entries),
      };
    },
  };
}
