"""The two kinds of failure: a call without an answer, and a token that cannot be read or made.

A refused token is neither: it is an answer (:class:`bakehouse.Refused`). No message and no attribute of these errors
holds a token, a credential or the secret of a discharge. Each has a ``code`` to switch on; messages are for people.
"""

from __future__ import annotations

from typing import Literal

TokenErrorCode = Literal["malformed", "too_large", "invalid_caveat", "bound_discharges", "undischarged"]
ConnectionCode = Literal["unreachable", "timeout", "bad_answer"]


class BakehouseError(Exception):
    """A call that has no answer. It says nothing about a token: refuse the call, or ask again.

    Raised as :class:`ProblemError` or :class:`ConnectionFailure`, never by itself.

    Example::

        try:
            verdict = service.verify(token, {"action": "read"})
        except BakehouseError as error:
            if error.code == "rate_limited": ...
    """

    code: str
    """The code to switch on."""
    status: int | None
    """The answer's HTTP status; None without an answer."""
    member: str | None
    """The member, parameter or header at fault."""
    request_id: str | None
    """Finds the request in the service's log."""
    retry_after: int | None
    """Seconds after which the service asks to be asked again."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int | None = None,
        member: str | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.member = member
        self.request_id = request_id
        self.retry_after = retry_after


class ProblemError(BakehouseError):
    """The service's own problem document (RFC 9457).

    ``code`` is one of :data:`bakehouse.PROBLEM_CODES`; a newer service may answer codes that are not in the list.
    """


class ConnectionFailure(BakehouseError):
    """No answer of this API came back.

    ``unreachable``: no connection, or it broke. ``timeout``: no answer in time. ``bad_answer``: the answer is none of
    this API, points elsewhere, or is too large.
    """


class TokenError(ValueError):
    """A token that cannot be read or made. The message names rules and sizes, and of contents only a
    caveat at fault.

    ``malformed``, ``too_large``: the text is no token, or one over the limits. ``invalid_caveat``: a caveat that every
    verifier would refuse. ``bound_discharges``: the discharges are bound to this very token, so narrowing it would
    break them. ``undischarged``: a third-party caveat cannot be discharged at the places that the caller allows.
    """

    code: TokenErrorCode

    caveat: str | None
    """The text of the caveat at fault, as it was given; None if it is none, or too much like a token to be kept."""

    def __init__(self, code: TokenErrorCode, message: str, caveat: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.caveat = caveat
