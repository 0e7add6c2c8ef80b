/** The `typ` of a DPoP proof (RFC 9449 §4.2). */
export const PROOF_TYPE = "dpop+jwt";

/** The `typ` of an endorsement. */
export const ENDORSEMENT_TYPE = "bakehouse-endorsement+jwt";

/** The header that carries endorsements, one or several with commas between them. */
export const ENDORSEMENTS_HEADER = "Bakehouse-Endorsements";

/** Most endorsements of one call. */
export const MOST_ENDORSEMENTS = 32;
