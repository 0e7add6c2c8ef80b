import { type AuthInfo, OAuthError, OAuthErrorCode } from "@modelcontextprotocol/server";

import { isServiceName } from "../../caveats/reserved.ts";
import {
  BakehouseError,
  type CallOptions,
  type Outage,
  type Refused,
  Token,
  type Verdict,
  type Verifier,
  type VerifyRequest,
} from "../index.ts";

/** Says whether a token may be shown at a resource at all. */
export interface Access {
  /**
   * Verifies an access token for no call in particular: its signatures, its end, its revocations, its `aud`.
   *
   * @throws OAuthError and nothing else: `invalid_token`, or `server_error` if it can't be known now
   */
  verifyAccessToken(token: string): Promise<AuthInfo>;
  /**
   * Asks whether a token allows a call, and charges for it.
   *
   * @param action the method of the protocol
   * @param options of the question to the service
   * @throws OAuthError as `verifyAccessToken` does
   */
  clear(
    token: string,
    action: string,
    scopes: readonly string[],
    options: Pick<CallOptions, "traceparent">,
  ): Promise<Verdict>;
  /** Whether an error says that it could not be known. */
  isOutage(error: unknown): boolean;
}

/** Codes of a token that is good, and forbids only a call of which nothing is said. */
const OF_THE_CALL: ReadonlySet<string> = new Set(["caveat_failed", "discharge_missing", "budget_exhausted"]);

/** Seconds for which a token without an end is taken to live: the SDK wants to hear of one. */
const SHORT_LIFE = 60;

export function createAccess(
  verifier: Verifier,
  outage: Outage,
  about: {
    readonly resource: string;
    readonly scopes: readonly string[];
    readonly acceptUnbound: boolean;
    readonly metadataUrl: string;
  },
): Access {
  const { resource, scopes, acceptUnbound, metadataUrl } = about;
  const outages = new WeakSet<OAuthError>();

  function unknown(error: BakehouseError): OAuthError {
    outage.failed(error);
    // The caller learns no more: what is wrong between this server and the service is none of theirs.
    const told = new OAuthError(
      OAuthErrorCode.ServerError,
      "whether the token is good cannot be found out now",
    );
    outages.add(told);
    return told;
  }

  async function verify(
    question: Pick<VerifyRequest, "token" | "context" | "dry_run">,
    options: CallOptions = {},
  ): Promise<Verdict> {
    try {
      const verdict = await verifier.verify({ ...question, resource }, options);
      outage.answered();
      return verdict;
    } catch (error) {
      // Anything that is thrown would else be a page of its own at the SDK's gates.
      const told = error instanceof Error ? error : new Error("no answer");
      throw unknown(
        error instanceof BakehouseError
          ? error
          : new BakehouseError("bad_answer", told.message, { cause: error }),
      );
    }
  }

  return {
    clear(token, action, needed, options) {
      const context = { action, ...(needed.length > 0 && { scope: needed }) };
      return verify({ token, context }, options);
    },

    isOutage: (error) => error instanceof OAuthError && outages.has(error),

    async verifyAccessToken(text) {
      const verdict = await verify({ token: text, context: {}, dry_run: true });
      if (!verdict.allowed && !forbidsOnlyCalls(verdict)) throw invalid(verdict.detail);
      // Its signatures are right, or the verdict would be another: what it says of itself is what its issuer and its holders wrote.
      const token = Token.parse(text);
      if (!verdict.allowed && !acceptUnbound && !token.isIssuedFor(resource)) {
        throw invalid("the token was not issued for this resource");
      }
      const ends = verdict.allowed ? Date.parse(verdict.expires_at) : token.inspect().expiresAt?.getTime();
      return {
        token: text,
        clientId: clientOf(token),
        scopes: [...token.scopesAmong(scopes)],
        expiresAt: Math.floor((ends ?? Date.now() + SHORT_LIFE * 1000) / 1000),
        resource: new URL(resource),
        resourceMetadataUrl: metadataUrl,
      };
    },
  };
}

/** A description in the characters that RFC 6750 §3 lets a challenge have. */
export function invalid(detail: string): OAuthError {
  const described = detail.replaceAll(/[^ -!#-[\]-~]/g, "'");
  return new OAuthError(OAuthErrorCode.InvalidToken, described);
}

/**
 * Whether a token was refused for nothing but the call, of which nothing was said: each caveat that failed is a test of what a
 * platform states, or of what a call costs. One of the service's own, such as an `aud` for another place, fails every call.
 */
function forbidsOnlyCalls({ code, failures }: Refused): boolean {
  if (!OF_THE_CALL.has(code)) return false;
  if (code === "caveat_failed" && failures.length === 0) return false;
  return failures.every(({ code: reason, caveat }) => {
    const [name = ""] = caveat.split(/[ .]/, 1);
    return OF_THE_CALL.has(reason) && (name === "spend" || !isServiceName(name));
  });
}

/** The client that the token endpoint issued it to, behind the `aud` that it writes first; empty for none. */
function clientOf(token: Token): string {
  let isBehindAudience = false;
  for (const { text, placed } of token.inspect().caveats) {
    if (placed !== "issued") break;
    isBehindAudience ||= text.startsWith("aud ");
    if (isBehindAudience && text.startsWith("client = ")) return text.slice("client = ".length);
  }
  return "";
}
