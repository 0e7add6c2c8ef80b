"""The words that the service and its clients both say. Source: ``src/words`` of the repository; a test compares them."""

from __future__ import annotations

import re

PROBLEM_CODES = (
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "denied",
    "not_found",
    "method_not_allowed",
    "conflict",
    "charge_mismatch",
    "idempotency_in_flight",
    "gone",
    "precondition_failed",
    "payload_too_large",
    "unsupported_media_type",
    "unprocessable",
    "ttl_too_long",
    "ticket_invalid",
    "condition_unknown",
    "idempotency_mismatch",
    "rate_limited",
    "internal_error",
    "unavailable",
)
"""Every ``code`` of a problem document. Codes are added and never renamed."""

REFUSAL_CODES = (
    "malformed",
    "too_large",
    "unknown_key",
    "bad_signature",
    "revoked",
    "expired",
    "discharge_invalid",
    "depth_exceeded",
    "holder_proof_required",
    "holder_proof_invalid",
    "caveat_unknown",
    "caveat_failed",
    "discharge_missing",
    "budget_exhausted",
)
"""Every reason to refuse a token, in the order in which they are named. Codes are added and never renamed."""

PROBLEM_MEDIA_TYPE = "application/problem+json"
IDEMPOTENCY_KEY = "Idempotency-Key"
REQUEST_ID = "x-request-id"

SERVICE_NAMES = frozenset(
    ("time", "agent", "depth", "uses", "spend", "rate", "holder", "aud", "client", "ancestor", "approval", "bh")
)
"""First names of the attributes that belong to the service: a caveat on one has a form of its own or none."""

TOKEN_BUDGETS = 32
"""Most budgets of a token and its discharges together."""

SHORT_ID = re.compile(r"[A-Za-z0-9_-]{16}")
UUID_V7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
REVOCATION_ID = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
APPROVAL_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
CLIENT_ID = re.compile(r"[\x21-\x7e]{1,2048}")
DISCHARGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
UNIT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
AGENT = re.compile(r"([A-Za-z0-9._:/@-]{1,128})(?:#([A-Za-z0-9._:/@-]{1,128}))?")
