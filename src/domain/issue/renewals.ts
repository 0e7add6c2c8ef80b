import { isBudget } from "../../caveats/caveat.ts";
import type { Condition } from "../../caveats/condition.ts";
import { uuidv7Time } from "../../words/ids.ts";
import { loginRevoked } from "../grant.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { payerName } from "../parts/turn.ts";
import { readVoucher } from "../parts/voucher.ts";
import type { Clock } from "../ports/clock.ts";
import type { Renewal, TokenLine } from "../ports/issues.ts";
import type { Store } from "../ports/store.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { IssuedToken, Renewals } from "../service.ts";
import { refusalOfEnded } from "../verify/clear-token.ts";
import { subjectOf, type TokenVerifier, type VerifiedToken } from "../verify/verify-token.ts";
import type { Idempotency } from "./idempotency.ts";
import { type Issuing, NO_WORD, type RenewalJob } from "./issuing.ts";
import { lineCrowded, sessionOver } from "./line.ts";
import { requireCaveats } from "./minting.ts";

/** Renewals of one line, at once and a second: whoever runs for long asks every few minutes. */
const RATE = { perSecond: 1, burst: 30, maxKeys: 50_000 };

function notRenewable(): DomainError {
  return new DomainError("not_found", "is not this token as it was issued, or is good no more", "token");
}

/** Whether a token is a root macaroon as it was issued: nothing appended, nothing beside it. */
function isAsIssued({ identifier, macaroon }: VerifiedToken): boolean {
  return macaroon.discharges.length === 0 && macaroon.caveats.length === identifier.issuedCaveats;
}

/**
 * The issued caveats but for the first, which is the life.
 *
 * @throws DomainError `unprocessable` for what its successor would have anew: a budget's counter stands under its own link, and a
 *   ticket's discharge was for the token before
 */
function keptCaveats(conditions: readonly Condition[]): readonly string[] {
  return conditions.slice(1).map((condition) => {
    if (condition.state === "third_party") {
      throw new DomainError("unprocessable", "has a third party's caveat, and cannot be renewed", "token");
    }
    if (condition.state === "known" && isBudget(condition.caveat)) {
      const why = "has a budget, which its successor would begin to count anew: it cannot be renewed";
      throw new DomainError("unprocessable", why, "token");
    }
    return condition.text;
  });
}

/**
 * Makes the use case of renewing by showing the token.
 *
 * The order: (1) the token's signature, and that it is good and as it was issued; (2) the revocations that this replica
 * knows, from a position that it notes before; (3) the claim of the idempotency key; (4) policy, asked anew by what the
 * issuer said at the beginning of the line; (5) in one transaction that holds the revocation log, whatever was appended
 * behind that position, the line's bounds, and the token's record with its event and kept answer; (6) the answer.
 */
export function createRenewals(options: {
  readonly store: Pick<Store, "lines" | "tokens">;
  readonly tokenVerifier: TokenVerifier;
  readonly rootKeys: Pick<RootKeys, "prepare">;
  readonly knowledge: Pick<RevocationKnowledge, "position" | "requireFresh" | "isRevoked">;
  readonly idempotency: Idempotency;
  readonly issueOne: Issuing;
  readonly clock: Clock;
}): Renewals {
  const { store, tokenVerifier, knowledge, clock } = options;
  const rate = createRateLimit({ clock, ...RATE });

  async function shown(text: string, tokenId: string): Promise<VerifiedToken> {
    const verification = await tokenVerifier.verifyAny(text);
    knowledge.requireFresh();
    if (!verification.ok) throw notRenewable();
    const { token } = verification;
    const isIt = token.identifier.tokenId === tokenId && isAsIssued(token);
    if (!isIt || refusalOfEnded(token, clock.now()) !== undefined) throw notRenewable();
    return token;
  }

  function requireUnrevoked(token: VerifiedToken, line: TokenLine): Renewal {
    // Noted first: what is learnt meanwhile is looked through twice, and never missed.
    const { epoch, number } = knowledge.position();
    const subject = subjectOf(token);
    if (knowledge.isRevoked(subject)) throw notRenewable();
    if (knowledge.isRevoked({ ...subject, issuedAt: line.spokeAt })) throw loginRevoked();
    return {
      line: line.id,
      predecessor: subject.tokenId,
      known: { epoch, number },
      spokeAt: line.spokeAt,
      issuer: subject.issuer,
      subject: subject.subject,
      keyId: subject.keyId,
      links: subject.revocationIds,
      agents: subject.agents,
    };
  }

  return {
    async renew(tokenId, request, idempotencyRequest) {
      const token = await shown(request.token, tokenId);
      const { principal, macaroon } = token;
      const line = await store.lines.find(tokenId, clock.now());
      const record = await store.tokens.find(tokenId, { platform: principal.platform });
      if (record === undefined) throw notRenewable();
      if (line === undefined) throw sessionOver();
      if (!rate.take(line.id)) throw lineCrowded();
      await requireCaveats(request.caveats, "caveats", clock);
      const renewal: RenewalJob = {
        record: requireUnrevoked(tokenVerifier.again(token), line),
        endsAt: line.endsAt,
        firstAt: uuidv7Time(line.id),
        caveats: keptCaveats(token.conditions),
      };
      const { kind, issuer } = readVoucher(principal.issuer);
      const { groups, claims, spokeAt } = line;
      return options.idempotency.once(
        `token\n${macaroon.revocationId.text}`,
        idempotencyRequest,
        async (seal) => {
          await options.rootKeys.prepare(principal.platform);
          const { answer } = await options.issueOne({
            actor: { kind: "holder", tokenId },
            payer: payerName(),
            spokeAt,
            renewal,
            subject: {
              issuer,
              kind,
              subject: principal.subject,
              groups,
              ...(claims !== null && { claims }),
              assertedBy: principal.assertedBy,
            },
            email: principal.email,
            // The e-mail is on record already.
            saidAt: NO_WORD,
            development: principal.development,
            credentialId: record.token.issuedBy,
            request: {
              platform: principal.platform,
              ttl: request.ttl,
              caveats: request.caveats,
              label: record.token.label ?? undefined,
            },
            parties: [],
            warnings: [],
            fault: undefined,
            seal,
          });
          return { ...answer, predecessor: tokenId };
        },
        // This service sealed it, so this service wrote it.
        (kept) => ({ ...(kept as IssuedToken), predecessor: tokenId }),
      );
    },
  };
}
