"""A Bakehouse service, as its callers see it. Source: ``src/client/bakehouse.ts`` and openapi.yaml."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import quote

from .answers import (
    Allowed,
    Discharged,
    IssuedToken,
    PendingDischarge,
    Problem,
    Refused,
    RenewedToken,
    Revoked,
    TokenPage,
    TokenRecord,
    Verdict,
)
from .codec.base64 import encode_base64url
from .errors import BakehouseError, ConnectionFailure, ProblemError
from .jsontext import JsonValue
from .reading import answer_json, read_answer, read_value
from .token import Token, has_budgets
from .transport import RETRIES, SMALL_ANSWER, TIMEOUT, Call, Credential, Repeat, Transport
from .words import IDEMPOTENCY_KEY

_IDEMPOTENCY_KEY_BYTES = 18
_LONG_POLL = 60.0
"""Seconds: longer than the service holds a request that waits for a person."""

Cost = Mapping[str, int | float | Decimal | str]
"""What a call costs, by unit, for ``spend`` budgets. A Decimal and a text keep their digits."""
Target = Token | Mapping[str, object]
"""A token, which holding it suffices to revoke; or ``{"revocation_id": …}``, ``{"token_id": …}``, ``{"agent": …}`` and
the other targets of ``POST /v1/revocations``."""


@dataclass(frozen=True)
class Proof:
    """A DPoP proof (RFC 9449) as it came with the call, and the call's own method and URI."""

    dpop: str = field(repr=False)
    """The header ``DPoP``."""
    method: str
    uri: str
    """The call's address as its caller knows it, never one that a header of the call names."""
    content_digest: str | None = None
    """Where given, the proof's claim ``content_digest`` must be this text."""

    def to_json(self) -> dict[str, object]:
        return _given(dpop=self.dpop, method=self.method, uri=self.uri, content_digest=self.content_digest)


@dataclass(frozen=True)
class Question:
    """May this token do this, now?"""

    token: Token | str = field(repr=False)
    """The token, with its discharges."""
    context: Mapping[str, object]
    """The facts of the call. A Decimal in it keeps its digits."""
    cost: Cost | None = None
    min_sequence: str | None = None
    """A ``sequence`` of an earlier answer: this one must know at least as much of the revocation log."""
    dry_run: bool = False
    """Whether to answer without a trace: nothing is charged."""
    proof: Proof | None = None
    """For a token with a ``holder``, which is worth nothing without one."""
    endorsements: Iterable[str] = field(default=(), repr=False)
    """Those of the header ``Bakehouse-Endorsements``, one text each."""
    charge_id: str | None = None
    """This platform's own name for the question, for a day: asked again it is not charged again. Never taken from a
    caller."""
    resource: str | None = None
    """The URI of the resource as which this platform asks; else the one that its credential was issued for."""

    def to_json(self) -> dict[str, object]:
        return _given(
            token=_text(self.token),
            context=self.context,
            cost=self.cost,
            min_sequence=self.min_sequence,
            dry_run=self.dry_run or None,
            proof=None if self.proof is None else self.proof.to_json(),
            endorsements=list(self.endorsements) or None,
            charge_id=self.charge_id,
            resource=self.resource,
        )


class Bakehouse:
    """A client of one service. Threads may share it; each call has a connection of its own.

    Every method raises :class:`BakehouseError` if there is no answer. A refused token is an answer. Calls that are safe
    to repeat are repeated.

    Example::

        service = Bakehouse("https://tokens.example", credential)
        verdict = service.verify(token, {"action": "read"})
        if isinstance(verdict, Refused):
            raise PermissionError(verdict.detail)
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None = None,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        insecure_http: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is sent yet.

        :param url: the service's ``PUBLIC_URL``
        :param credential: the caller's ID token or service credential, or a function that gets it. Without one, tokens
            can be revoked by possession and discharged
        :param timeout: seconds that one attempt may take in all
        :param retries: further attempts at calls that are safe to repeat
        :param insecure_http: whether plain http to another machine is allowed: anybody on the way can read the credential
        :param ssl_context: for a private certificate authority
        :raises ValueError: for a url that is none, or one of plain http to another machine
        :raises BakehouseError: ``unauthenticated`` for a credential that is empty, a path, or over
        """
        self._transport = Transport(
            url, credential, timeout=timeout, retries=retries, insecure_http=insecure_http, ssl_context=ssl_context
        )

    def __repr__(self) -> str:
        return f"<bakehouse at {self.origin}>"

    @property
    def origin(self) -> str:
        """The service's origin."""
        return self._transport.origin

    def issue(
        self,
        platform: str,
        *,
        ttl: int | None = None,
        caveats: Iterable[str] = (),
        third_party_caveats: Iterable[Mapping[str, str]] = (),
        label: str | None = None,
        on_behalf_of: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> IssuedToken:
        """Issues a root macaroon, under an idempotency key, so that repeating it never makes two.

        :param ttl: seconds; an hour unless said. More than policy allows is refused, never shortened
        :param third_party_caveats: ``{"location", "condition"}`` each, and ``"public_key"`` for another third party than
            the service. This library can't write them offline
        :param on_behalf_of: ``{"subject"}`` or ``{"issuer", "subject"}``: the person that a platform issues for
        """
        body = _given(
            platform=platform,
            ttl=ttl,
            caveats=list(caveats) or None,
            third_party_caveats=list(third_party_caveats) or None,
            label=label,
            on_behalf_of=on_behalf_of,
        )
        call = Call("POST", "/v1/tokens", "always", body, headers={IDEMPOTENCY_KEY: _key(idempotency_key)})
        return read_answer(IssuedToken, self._transport.call(call).body)

    def renew(
        self,
        token: Token | str,
        *,
        ttl: int | None = None,
        caveats: Iterable[str] = (),
        idempotency_key: str | None = None,
    ) -> RenewedToken:
        """Gets a token that renews a root token, to its holder: for the same principal, with the same caveats and those
        that are given. The token itself is the credential. What was narrowed from it before stays as it is.

        :param token: as it was issued: a narrowed one is refused (``not_found``)
        :param ttl: seconds; an hour unless said
        :param caveats: narrow the successor further
        :raises ValueError: for a token that no Bakehouse issued
        :raises BakehouseError: ``forbidden`` if policy has no session for it, or that is over; ``unauthenticated`` once
            the person's tokens were revoked

        Example::

            root = Token.parse(service.renew(root, ttl=3600).token)
        """
        shown = Token.parse(token) if isinstance(token, str) else token
        identifier = shown.inspect().identifier
        if identifier is None:
            raise ValueError("renew: token must be one that a Bakehouse issued")
        call = Call(
            "POST",
            f"/v1/tokens/{quote(identifier.token_id, safe='')}/renew",
            "always",
            _given(token=_text(token), ttl=ttl, caveats=list(caveats) or None),
            headers={IDEMPOTENCY_KEY: _key(idempotency_key)},
            anonymous=True,
        )
        return read_answer(RenewedToken, self._transport.call(call).body)

    def verify(
        self,
        token: Token | str,
        context: Mapping[str, object],
        *,
        cost: Cost | None = None,
        min_sequence: str | None = None,
        dry_run: bool = False,
        proof: Proof | None = None,
        endorsements: Iterable[str] = (),
        charge_id: str | None = None,
        resource: str | None = None,
        timeout: float | None = None,
    ) -> Verdict:
        """May this token do this, now? The parameters are those of :class:`Question`."""
        question = Question(token, context, cost, min_sequence, dry_run, proof, tuple(endorsements), charge_id, resource)
        # Budgets count every allowed call, so a question that may have been answered is not asked again.
        call = Call("POST", "/v1/verify", _repeat([question]), question.to_json())
        return _verdict(answer_json(self._transport.call(call, timeout).body), "")

    def verify_batch(
        self, questions: Iterable[Question], *, timeout: float | None = None
    ) -> list[Allowed | Refused | Problem]:
        """Up to a thousand questions at once; one that could not be answered has a problem in its place."""
        asked = list(questions)
        body = {"requests": [question.to_json() for question in asked]}
        answer = answer_json(self._transport.call(Call("POST", "/v1/verify/batch", _repeat(asked), body), timeout).body)
        results = answer.get("results") if isinstance(answer, dict) else None
        # By their places alone answers belong to questions.
        if not isinstance(results, list) or len(results) != len(asked):
            raise ConnectionFailure("bad_answer", "the answer's results are not one for each question")
        return [_result(result, f"results[{index}]") for index, result in enumerate(results)]

    def revoke(self, *targets: Target, reason: str | None = None, public_reason: bool = False) -> Revoked:
        """Revokes all targets or none, with all that descends from them.

        For tokens alone no credential is sent or needed: holding a token suffices. The reason is for the author's
        side, and with ``public_reason`` for everybody who verifies what was revoked.
        """
        all_targets = [{"token": one.encode()} if isinstance(one, Token) else one for one in targets]
        # Revoking is idempotent: the same target in the same scope answers the first entry again.
        call = Call(
            "POST",
            "/v1/revocations",
            "always",
            _given(targets=all_targets, reason=reason, public_reason=public_reason or None),
            anonymous=all("token" in target for target in all_targets),
        )
        return read_answer(Revoked, self._transport.call(call).body)

    def tokens(
        self, *, platform: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> TokenPage:
        """A page of the records of issued tokens that the caller may see."""
        query = {"platform": platform, "limit": limit, "cursor": cursor}
        return read_answer(TokenPage, self._transport.call(Call("GET", "/v1/tokens", "always", query=query)).body)

    def token(self, token_id: str) -> TokenRecord:
        """The record of one issued token."""
        call = Call("GET", f"/v1/tokens/{quote(token_id, safe='')}", "always")
        return read_answer(TokenRecord, self._transport.call(call).body)

    def discharge(
        self,
        ticket: bytes,
        *,
        token: Token | None = None,
        ancestor: str | None = None,
        caveats: Iterable[str] = (),
        timeout: float | None = None,
    ) -> Discharged | PendingDischarge:
        """Asks for a discharge once. :func:`bakehouse.discharge_token` does all that a token needs.

        :param token: the live token that carries the ticket: an approval is asked for with it
        :param ancestor: a revocation id: the discharge then serves every macaroon that descends from that link
        :param caveats: narrow the discharge: enforced, and shown to the person who is asked
        """
        body = _given(
            caveat_id=encode_base64url(ticket),
            token=None if token is None else token.encode(),
            ancestor=ancestor,
            caveats=list(caveats) or None,
        )
        call = Call("POST", "/v1/discharge", "unanswered", body, most_bytes=SMALL_ANSWER)
        answered = self._transport.call(call, timeout)
        if answered.status == 202:
            return read_answer(PendingDischarge, answered.body)
        return read_answer(Discharged, answered.body)

    def collect_discharge(self, pending: PendingDischarge, *, timeout: float = _LONG_POLL) -> Discharged | None:
        """Collects a pending discharge; None while there is no answer. Waits at the service for a while."""
        call = Call(
            "POST",
            f"/v1/discharge/{quote(pending.id, safe='')}/collect",
            "always",
            {"secret": pending.secret},
            anonymous=True,
            most_bytes=SMALL_ANSWER,
        )
        answered = self._transport.call(call, timeout)
        return None if answered.status == 202 else read_answer(Discharged, answered.body)

    def withdraw_discharge(self, pending: PendingDischarge, *, timeout: float | None = None) -> None:
        """Withdraws a pending discharge: nobody is asked any more. Raises ``conflict`` once it is decided."""
        call = Call(
            "POST",
            f"/v1/discharge/{quote(pending.id, safe='')}/withdraw",
            "always",
            {"secret": pending.secret},
            anonymous=True,
            most_bytes=SMALL_ANSWER,
        )
        self._transport.call(call, timeout)

    def ready(self) -> None:
        """Returns if the service can answer now and, where there is a credential, knows who calls.

        :raises BakehouseError: ``unavailable`` or ``unauthenticated``, with the reason
        """
        self._transport.call(Call("GET", "/readyz", "never", anonymous=True))
        if self._transport.has_credential:
            self._require_known()

    def _require_known(self) -> None:
        """Asks for something that every caller may ask for, or at least is told who they are not."""
        try:
            self._transport.call(Call("GET", "/v1/tokens?limit=1", "always"))
        except BakehouseError as error:
            # One that may not read is known all the same.
            if error.code == "forbidden":
                return
            if error.code != "unauthenticated":
                raise
            cure = "it takes a platform's or an administrator's, or a login, and never a token that was issued to somebody"
            raise ProblemError(
                error.code, f"{error}: {cure}", status=error.status, request_id=error.request_id
            ) from None


def _repeat(questions: list[Question]) -> Repeat | Callable[[], Repeat]:
    """Whether questions may be asked again. Budgets count every allowed call, and an answer can be lost behind the commit."""
    if all(question.dry_run for question in questions):
        return "always"
    return lambda: "never" if any(map(_is_asked_once, questions)) else "unanswered"


def _is_asked_once(question: Question) -> bool:
    if question.dry_run:
        return False
    # A proof is used up by its first call.
    return question.proof is not None or (question.charge_id is None and has_budgets(question.token))


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _key(given: str | None) -> str:
    return secrets.token_urlsafe(_IDEMPOTENCY_KEY_BYTES) if given is None else given


def _text(token: Token | str) -> str:
    return token if isinstance(token, str) else token.encode()


def _verdict(value: JsonValue, place: str) -> Verdict:
    is_allowed = isinstance(value, dict) and value.get("allowed") is True
    return read_value(Allowed, value, place) if is_allowed else read_value(Refused, value, place)


def _result(value: JsonValue, place: str) -> Allowed | Refused | Problem:
    has_verdict = isinstance(value, dict) and "allowed" in value
    return _verdict(value, place) if has_verdict else read_value(Problem, value, place)
