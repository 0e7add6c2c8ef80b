"""The answers of the API, in its own words: openapi.yaml describes every member. Times are in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True)
class Principal:
    """A person, or what ``kind`` says, on one platform."""

    id: str
    issuer: str
    subject: str
    email: str | None = None
    asserted_by: str | None = None
    """``platform``: the platform says so, and no issuer."""
    kind: str | None = None
    """``workload``: a job or service, and no human."""


@dataclass(frozen=True)
class SummaryPart:
    """Whose words a part of a summary is: ``issued``, ``holder`` or ``service``."""

    by: str
    text: str


@dataclass(frozen=True, kw_only=True)
class TokenFacts:
    """An issued token without the token."""

    token_id: str
    revocation_id: str
    platform: str
    principal: Principal
    issued_at: datetime
    expires_at: datetime
    caveats: tuple[str, ...]
    summary: str
    warnings: tuple[str, ...] = ()
    summary_parts: tuple[SummaryPart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IssuedToken(TokenFacts):
    """A root macaroon and its facts. ``token`` is a secret, and stands in no representation."""

    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class RenewedToken(IssuedToken):
    """A root macaroon that renews another one."""

    predecessor: str
    """The token id of the one that was shown."""


@dataclass(frozen=True, kw_only=True)
class TokenRecord(TokenFacts):
    """The record of an issued token: everything but the token."""

    key_id: str
    status: str
    """``active``, ``expired`` or ``revoked``."""
    label: str | None = None
    issued_by: str | None = None
    predecessor: str | None = None
    """Of a token that renewed another one, and is asked for by its id."""
    renewable_until: datetime | None = None


@dataclass(frozen=True)
class TokenPage:
    """A page of a list; ``next_cursor`` is None on the last one."""

    items: tuple[TokenRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class Budget:
    """A counter on the chain after the call: ``uses``, ``spend`` or ``rate``."""

    caveat: str
    remaining: str
    revocation_id: str | None = None
    agent: str | None = None
    limit: str | None = None


@dataclass(frozen=True)
class Allowed:
    """The token does not forbid the call. The platform still checks the rights of the principal."""

    allowed: Literal[True]
    token_id: str
    key_id: str
    platform: str
    principal: Principal
    issued_at: datetime
    expires_at: datetime
    agents: tuple[str, ...]
    """Names that delegators gave: claims."""
    caveats: tuple[str, ...]
    summary: str
    revocation_id: str
    revocation_ids: tuple[str, ...]
    """Of every link, from the root to the presented one."""
    budgets: tuple[Budget, ...]
    sequence: str
    """A position in the revocation log, for ``min_sequence``."""
    summary_parts: tuple[SummaryPart, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A caveat that refused, and the values that would have passed."""

    index: int
    caveat: str
    agent: str | None
    code: str
    detail: str
    placed: str | None = None
    """``issued``, ``first_holder`` or ``handed_over``; None from an older service."""
    remaining: str | None = None
    """Of an exhausted budget: the rest."""
    retry_after: int | None = None
    """Of an exhausted rate: seconds."""


@dataclass(frozen=True)
class UndischargedCaveat:
    """A third-party caveat that lacks a discharge; its ticket is base64url."""

    location: str
    caveat_id: str


@dataclass(frozen=True)
class KillingEntry:
    """The entry that killed a token: which link, when, and by which kind of author."""

    revocation_id: str
    agent: str | None
    depth: int
    revoked_at: datetime
    by: str
    """``holder``, ``principal``, ``platform`` or ``administrator``; a newer service may answer others."""
    reason: str | None = None


@dataclass(frozen=True)
class Refused:
    """The token forbids the call, or is no good."""

    allowed: Literal[False]
    code: str
    """One of :data:`bakehouse.REFUSAL_CODES`; a newer service may answer others."""
    detail: str
    failures: tuple[Failure, ...]
    undischarged: tuple[UndischargedCaveat, ...]
    sequence: str
    revocation: KillingEntry | None = None
    """Of a revoked token, as far as the service could tell at once."""


@dataclass(frozen=True)
class Problem:
    """A question of a batch that could not be answered."""

    code: str
    detail: str
    status: int
    member: str | None = None


Verdict: TypeAlias = Allowed | Refused
"""May this token do this, now? Tell the two apart by ``isinstance`` or ``match``."""


@dataclass(frozen=True)
class Revocation:
    """An entry of the revocation log. A target by ``token`` is answered as its revocation id."""

    id: str
    target: dict[str, Any]
    revoked_at: datetime
    sequence: str
    scope: str
    reason: str | None = None


@dataclass(frozen=True)
class Revoked:
    """The entries of a revocation, and the log's end after them."""

    revocations: tuple[Revocation, ...]
    sequence: str


@dataclass(frozen=True)
class PendingDischarge:
    """A discharge for which a person has to do something first. ``secret`` collects it, and is shown once."""

    id: str
    secret: str = field(repr=False)
    expires_at: datetime
    user_url: str | None = None
    user_code: str | None = None


@dataclass(frozen=True)
class Discharged:
    """A discharge that is there. ``discharge`` is a secret, and stands in no representation."""

    discharge: str = field(repr=False)
