"""Tokens for AI agents: narrowed offline, verified in one call, cut off at any link.

Needs Python 3.10 or later and nothing else. The manual is README.md of this package.
"""

from __future__ import annotations

from .answers import (
    Allowed,
    Budget,
    Discharged,
    Failure,
    IssuedToken,
    KillingEntry,
    PendingDischarge,
    Principal,
    Problem,
    Refused,
    RenewedToken,
    Revocation,
    Revoked,
    SummaryPart,
    TokenPage,
    TokenRecord,
    UndischargedCaveat,
    Verdict,
)
from .caveats import (
    agent,
    allow,
    at_least,
    at_most,
    depth,
    equals,
    expires_at,
    expires_in,
    greater_than,
    holder,
    less_than,
    matches,
    none_of,
    not_equals,
    one_of,
    rate,
    spend,
    starts_at,
    uses,
    when,
    within,
)
from .client import Bakehouse, Proof, Question
from .codec import Format
from .discharge import Interaction, discharge_token
from .errors import BakehouseError, ConnectionFailure, ProblemError, TokenError
from .identifier import Identifier
from .inspection import InspectedCaveat, InspectedDischarge, Inspection, Undischarged
from .this_call import for_this_call
from .token import Token
from .words import PROBLEM_CODES, REFUSAL_CODES

__version__ = "0.1.0"

__all__ = [
    "PROBLEM_CODES",
    "REFUSAL_CODES",
    "Allowed",
    "Bakehouse",
    "BakehouseError",
    "Budget",
    "ConnectionFailure",
    "Discharged",
    "Failure",
    "Format",
    "Identifier",
    "InspectedCaveat",
    "InspectedDischarge",
    "Inspection",
    "Interaction",
    "IssuedToken",
    "KillingEntry",
    "PendingDischarge",
    "Principal",
    "Problem",
    "ProblemError",
    "Proof",
    "Question",
    "Refused",
    "RenewedToken",
    "Revocation",
    "Revoked",
    "SummaryPart",
    "Token",
    "TokenError",
    "TokenPage",
    "TokenRecord",
    "Undischarged",
    "UndischargedCaveat",
    "Verdict",
    "agent",
    "allow",
    "at_least",
    "at_most",
    "depth",
    "discharge_token",
    "equals",
    "expires_at",
    "expires_in",
    "for_this_call",
    "greater_than",
    "holder",
    "less_than",
    "matches",
    "none_of",
    "not_equals",
    "one_of",
    "rate",
    "spend",
    "starts_at",
    "uses",
    "when",
    "within",
]
