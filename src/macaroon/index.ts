export { attenuate } from "./attenuate.ts";
export { bind } from "./bind.ts";
export { type Bundle, type Decoded, decodeBinary, decodeBundle, type Format } from "./codec/decode.ts";
export { encode, encodeBundle } from "./codec/encode.ts";
export type { JsonSpelling } from "./codec/json-text.ts";
export { chainOf } from "./hash/chain-hash.ts";
export { defaultHmac, defaultSha256 } from "./hash/hmac.ts";
export { NAME_PREFIX, parseRevocationId, type RevocationId, revocationId } from "./hash/revocation-id.ts";
export { requireChainKey } from "./hash/sha256.ts";
export type { ChainHash, Hmac, Sha256 } from "./hash/types.ts";
export { type SigningKey, signingKey } from "./key.ts";
export {
  type Behind,
  createLinks,
  Link,
  type Links,
  type VerifiedLink,
  verifiedLink,
} from "./known-links.ts";
export type { CaveatPlace, DischargeFault } from "./match-discharges.ts";
export { type MintOptions, mint } from "./mint.ts";
export { decodeBase64, encodeBase64Url } from "./parts/base64.ts";
export { constantTimeEqual } from "./parts/bytes.ts";
export { MacaroonError, type MacaroonErrorCode } from "./parts/error.ts";
export { LIMITS, type Limits, type LowerLimits } from "./parts/limits.ts";
export type { UnverifiedCaveat, UnverifiedMacaroon } from "./parts/macaroon.ts";
export { encodeUvarint } from "./parts/uvarint.ts";
export {
  addSealedCondition,
  type RandomBytes,
  type SealedCondition,
  sealCondition,
} from "./sealed-condition.ts";
export type { MacaroonPlace, TraceStep } from "./steps.ts";
export { addThirdPartyCaveat, type ThirdPartyCaveatOptions } from "./third-party.ts";
export { boxPublicKey } from "./tickets/box.ts";
export {
  type OpenedTicket,
  openTicket,
  type SealTicketOptions,
  sealTicket,
  type TicketOpening,
} from "./tickets/ticket.ts";
export { type Trace, traceVerify } from "./trace.ts";
export type {
  DischargeState,
  GoodDischarge,
  InvalidDischarge,
  Undischarged,
  VerifiedCaveat,
  VerifiedChain,
  VerifiedMacaroon,
} from "./verified.ts";
export { type Verification, type VerifyOptions, verify, verifyFrom, verifyInSteps } from "./verify.ts";
