export { PROBLEM_CODES } from "../words/problem-codes.ts";
export { REFUSAL_CODES } from "../words/refusal-codes.ts";
export type {
  Allowed,
  AllowedDecision,
  Approval,
  DischargeAnswer,
  Discovery,
  IssuedToken,
  Key,
  Page,
  PendingDischarge,
  Platform,
  Policy,
  PolicyTrialResult,
  Principal,
  Problem,
  RefusalCode,
  Refused,
  RenewedToken,
  Reservation,
  Revocation,
  RevocationPage,
  Revoked,
  TokenRecord,
  Verdict,
  VerifyDecision,
} from "./answers.ts";
export { checkExport } from "./audit/check.ts";
export { checkService } from "./audit/check-service.ts";
export type { AuditFault, AuditReport } from "./audit/report.ts";
export { type WatchedCheckpoint, type WatchOutcome, watchOnce } from "./audit/watch.ts";
export type { AuditEvent, AuditFilter, AuditLog, AuditTree } from "./audit-log.ts";
export { type Bakehouse, createBakehouse } from "./bakehouse.ts";
export {
  agent,
  allow,
  atLeast,
  atMost,
  type CaveatValue,
  depth,
  equals,
  expiresAt,
  expiresIn,
  greaterThan,
  holder,
  lessThan,
  type Moment,
  matches,
  noneOf,
  notEquals,
  oneOf,
  rate,
  spend,
  startsAt,
  uses,
  when,
  within,
} from "./caveats.ts";
export { type DischargeOptions, dischargeToken } from "./discharge.ts";
export {
  BakehouseError,
  type ConnectionCode,
  type ProblemCode,
  TokenError,
  type TokenErrorCode,
} from "./error.ts";
export { type Bearer, readBearer } from "./guard/bearer.ts";
export {
  type Decider,
  decide,
  type GuardDecision,
  type GuardOptions,
  type GuardRequest,
  type Verifier,
} from "./guard/guard.ts";
export { guardHono, type HonoContext, type HonoDecisionContext } from "./guard/hono.ts";
export { guardNode, type NodeRequest, type NodeResponse } from "./guard/node.ts";
export { createOutage, type Outage, type OutageListener, type OutageState } from "./guard/outage.ts";
export type { Cost, Price } from "./guard/price.ts";
export { readTarget, type Target } from "./guard/target.ts";
export { guardTool, type ToolCall, ToolRefusedError } from "./guard/tool.ts";
export {
  createHolderKey,
  type HolderJwk,
  type HolderKey,
  type HolderKeyKind,
  type HolderKeyPair,
  holderKeyOf,
  type ProvedCall,
} from "./holder/key.ts";
export type { GuardProof } from "./holder/presented.ts";
export type { TokenIdentifier } from "./identifier.ts";
export type { InspectedCaveat, Inspection } from "./inspection.ts";
export type { LocalClock } from "./local/clock.ts";
export { createLocalVerifier, type LocalVerifier, type LocalVerifierOptions } from "./local/verifier.ts";
export type {
  Consent,
  NewOAuthClient,
  OAuthClient,
  OAuthClientRequest,
  Resource,
  ResourceRecords,
  ResourceRequest,
} from "./records.ts";
export type {
  Context,
  CredentialRequest,
  DischargeRequest,
  IssueRequest,
  PageRequest,
  PolicyTrial,
  RevocationTarget,
  VerifyRequest,
} from "./requests.ts";
export type { LogEvent } from "./revocation-stream.ts";
export { forThisCall } from "./this-call.ts";
export { type Delegation, type ThirdPartyCaveat, Token } from "./token.ts";
export type { BakehouseOptions, CallOptions, Fetch } from "./transport.ts";
export type { Link, TokenTree, TreeForm, TreeNode, WouldStop } from "./tree.ts";
