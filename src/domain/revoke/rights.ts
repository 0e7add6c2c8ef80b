import { agentText } from "../../caveats/caveat.ts";
import { parseCaveat } from "../../caveats/parse.ts";
import { parseRevocationId } from "../../macaroon/index.ts";
import { isUuidv7 } from "../../words/ids.ts";
import { actorOf } from "../audit.ts";
import type { Caller } from "../caller.ts";
import type { RootKey, RootKeys } from "../keys/root-keys.ts";
import { DomainError } from "../parts/error.ts";
import { voucherOf } from "../parts/voucher.ts";
import { requireAdministrator, requirePlatform } from "../permission.ts";
import type { RevocationScope, RevocationTarget } from "../ports/revocations.ts";
import type { Store } from "../ports/store.ts";
import type { TokenFilter } from "../ports/tokens.ts";
import type { Principals } from "../principals.ts";
import type { RevokeTarget } from "../service.ts";
import type { RevocationDraft } from "./append.ts";

/** A target that needs a caller: all but the token itself, which its holder may always revoke. */
export type NamedTarget = Exclude<RevokeTarget, { readonly kind: "token" }>;

/** The author that an entry is written for, and the scope within which it matches. */
interface Standing {
  readonly scope: RevocationScope;
  readonly author: string;
}

/** A caller with the scope of its entries: everything, one platform's tokens, or a person's own tokens. */
interface Author extends Standing {
  readonly caller: Caller;
}

/** An entry that may be written, and the key that has to be replaced before. */
export interface Allowed {
  readonly draft: RevocationDraft;
  readonly key: RootKey | undefined;
}

/** The tokens within a scope. A holder's names no others. */
function filterOf(scope: RevocationScope): TokenFilter | undefined {
  switch (scope.kind) {
    case "all":
      return {};
    case "platform":
      return { platform: scope.platform };
    case "principal":
      return { human: { issuer: scope.issuer, subject: scope.subject } };
    case "link":
      return undefined;
    default:
      return scope satisfies never;
  }
}

function authorOf(caller: Caller): Author {
  if (caller.kind === "human" && !caller.administrator) {
    const { issuer, subject } = caller.identity;
    return { caller, scope: { kind: "principal", issuer, subject }, author: "principal" };
  }
  if (caller.kind === "service" && caller.role === "platform") {
    const platform = requirePlatform(caller, "revoke");
    return { caller, scope: { kind: "platform", platform }, author: `platform:${platform}` };
  }
  requireAdministrator(caller, "revoke", undefined);
  return { caller, scope: { kind: "all" }, author: "administrator" };
}

/** Reads an agent as an `agent` caveat writes it. */
function requireAgent(text: string, member: string): string {
  const caveat = parseCaveat(`agent = ${text}`);
  if (caveat?.kind === "agent" && agentText(caveat) === text) return text;
  throw new DomainError("invalid_request", "is not an agent's name, or name#instance", member);
}

function requireTokenId(text: string, member: string): string {
  if (isUuidv7(text)) return text;
  throw new DomainError("invalid_request", "is not a token id", member);
}

/**
 * Decides which targets a caller may name. An entry matches only within its author's scope, so most targets need no
 * check of ownership: an entry on a foreign target does nothing to its owner. Two kinds of target are checked: one that
 * has an effect beyond the scope, and one whose acceptance would tell the caller something.
 *
 * @param ownIssuer the issuer that a subject without one belongs to
 */
export function createRevocationRights(options: {
  readonly store: Pick<Store, "platforms" | "dischargeRequests" | "tokens">;
  readonly rootKeys: RootKeys;
  readonly principals: Principals;
  readonly ownIssuer: string;
}) {
  const { store, rootKeys, principals, ownIssuer } = options;

  async function principalId({ scope }: Author, id: string, member: string): Promise<void> {
    const principal = await principals.find(id);
    const own =
      scope.kind === "all" ||
      (scope.kind === "platform" && principal?.platform === scope.platform) ||
      (scope.kind === "principal" &&
        principal?.issuer === scope.issuer &&
        principal.subject === scope.subject);
    if (principal === undefined || !own) throw new DomainError("not_found", "no such principal", member);
  }

  async function platform({ scope }: Author, name: string, member: string): Promise<void> {
    // A person's entry reaches their own tokens only, and must not tell whether the platform exists.
    if (scope.kind === "principal") return;
    const own = scope.kind === "platform" && scope.platform === name;
    if (own || (scope.kind === "all" && (await store.platforms.find(name)) !== undefined)) return;
    throw new DomainError("not_found", "no such platform", member);
  }

  /** Whether a token stands in the author's scope. Of a foreign one no successor is looked for: that would tell their ids. */
  async function isOwnToken({ scope }: Author, id: string): Promise<boolean> {
    const filter = filterOf(scope);
    return filter !== undefined && (await store.tokens.find(id, filter)) !== undefined;
  }

  async function key({ scope }: Author, id: string, member: string): Promise<RootKey> {
    if (scope.kind === "principal") {
      throw new DomainError("forbidden", "only an administrator or a platform may revoke a key", member);
    }
    const found = await rootKeys.find(id, scope.kind === "platform" ? scope.platform : undefined);
    if (found === undefined || (scope.kind === "platform" && found.platform !== scope.platform)) {
      throw new DomainError("not_found", "no such key", member);
    }
    return found;
  }

  /** The approver of a request may withdraw the approval, though the token belongs to another person. No program may. */
  async function approver(caller: Caller, id: string): Promise<Standing | undefined> {
    if (caller.kind !== "human" || caller.administrator || caller.program !== undefined) return undefined;
    const { issuer, subject } = caller.identity;
    const request = await store.dischargeRequests.find(id);
    const approved = request?.decisions.some(
      (said) => said.approved && said.issuer === issuer && said.subject === subject,
    );
    if (request === undefined || approved !== true) return undefined;
    const platform = request.about?.platform;
    return {
      scope: platform === undefined ? { kind: "all" } : { kind: "platform", platform },
      author: "approver",
    };
  }

  async function resolve(
    author: Author,
    target: NamedTarget,
    member: string,
  ): Promise<{
    readonly make: (until: number) => RevocationTarget;
    readonly key?: RootKey;
    readonly as?: Standing;
    readonly withSuccessorsOf?: string;
  }> {
    switch (target.kind) {
      case "revocation_id": {
        const id = parseRevocationId(target.revocationId);
        if (id !== undefined) return { make: () => ({ kind: "revocation_id", id: id.bytes }) };
        throw new DomainError("invalid_request", "is not a revocation id", `${member}.revocation_id`);
      }
      case "token_id": {
        const id = requireTokenId(target.tokenId, `${member}.token_id`);
        const asked = target.successors === true && (await isOwnToken(author, id));
        return { make: () => ({ kind: "token_id", id }), ...(asked && { withSuccessorsOf: id }) };
      }
      case "principal": {
        const { subject, issuedBefore } = target;
        const issuer = voucherOf(target.principalKind ?? "person", target.issuer ?? ownIssuer);
        const { scope } = author;
        if (scope.kind === "principal" && (scope.issuer !== issuer || scope.subject !== subject)) {
          const why = "only an administrator or a platform may revoke somebody else's tokens";
          throw new DomainError("forbidden", why, `${member}.principal`);
        }
        return {
          make: (until) => ({ kind: "principal", issuer, subject, issuedBefore: issuedBefore ?? until }),
        };
      }
      case "principal_id": {
        const { id, issuedBefore } = target;
        await principalId(author, id, `${member}.principal`);
        return { make: (until) => ({ kind: "principal_id", id, issuedBefore: issuedBefore ?? until }) };
      }
      case "agent": {
        const { issuedBefore } = target;
        const agent = requireAgent(target.agent, `${member}.agent`);
        const tokenId =
          target.tokenId === undefined ? null : requireTokenId(target.tokenId, `${member}.token_id`);
        return {
          make: (until) => ({ kind: "agent", agent, tokenId, issuedBefore: issuedBefore ?? until }),
        };
      }
      case "key_id": {
        const found = await key(author, target.keyId, `${member}.key_id`);
        return { make: () => ({ kind: "key_id", id: found.id }), key: found };
      }
      case "approval_id": {
        const id = target.approvalId;
        const as = await approver(author.caller, id);
        return { make: () => ({ kind: "approval_id", id }), ...(as === undefined ? {} : { as }) };
      }
      case "platform": {
        const { platform: name, issuedBefore } = target;
        await platform(author, name, `${member}.platform`);
        return {
          make: (until) => ({ kind: "platform", platform: name, issuedBefore: issuedBefore ?? until }),
        };
      }
      default:
        return target satisfies never;
    }
  }

  return {
    /** @returns a reader of a caller's targets, each with its member of the request; it rejects targets that are not theirs */
    of(caller: Caller | undefined) {
      if (caller === undefined) {
        throw new DomainError("unauthenticated", "only a token's holder may revoke without a credential");
      }
      const author = authorOf(caller);
      return async (target: NamedTarget, member: string): Promise<Allowed> => {
        const { make, key: found, as = author, withSuccessorsOf } = await resolve(author, target, member);
        const { scope, author: name } = as;
        const more = withSuccessorsOf === undefined ? {} : { withSuccessorsOf };
        const draft = { scope, target: make, author: name, actor: actorOf(caller), member, ...more };
        return { draft, key: found };
      };
    },
  };
}
