export { attenuate } from "./attenuate.ts";
export { decodeBase64, encodeBase64Url } from "./base64.ts";
export { bind } from "./bind.ts";
export { boxPublicKey } from "./box.ts";
export { constantTimeEqual } from "./bytes.ts";
export { type ChainHash, chainOf } from "./chain-hash.ts";
export { type Bundle, type Decoded, decodeBinary, decodeBundle, type Format } from "./decode.ts";
export { encode, encodeBundle } from "./encode.ts";
export { MacaroonError, type MacaroonErrorCode } from "./error.ts";
export { defaultHmac, defaultSha256, type Hmac, type Sha256 } from "./hmac.ts";
export type { JsonSpelling } from "./json-text.ts";
export { type SigningKey, signingKey } from "./key.ts";
export { LIMITS, type Limits, type LowerLimits } from "./limits.ts";
export type { Caveat, UnverifiedMacaroon } from "./macaroon.ts";
export type { CaveatPlace, DischargeFault } from "./match-discharges.ts";
export { type MintOptions, mint } from "./mint.ts";
export { NAME_PREFIX, parseRevocationId, type RevocationId, revocationId } from "./revocation-id.ts";
export type { Place, TraceStep } from "./steps.ts";
export { addThirdPartyCaveat, type ThirdPartyCaveatOptions } from "./third-party.ts";
export {
  type OpenedTicket,
  openTicket,
  type SealTicketOptions,
  sealTicket,
  type TicketOpening,
} from "./ticket.ts";
export { type Trace, traceVerify } from "./trace.ts";
export { encodeUvarint } from "./uvarint.ts";
export type {
  DischargeState,
  GoodDischarge,
  InvalidDischarge,
  Undischarged,
  VerifiedCaveat,
  VerifiedChain,
  VerifiedMacaroon,
} from "./verified.ts";
export { type Verification, type VerifyOptions, verify } from "./verify.ts";
