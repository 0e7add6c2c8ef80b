"""Gets every discharge that a token still needs. Source: ``src/client/discharge.ts``."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from .answers import Discharged, PendingDischarge
from .caveats import checked_caveat
from .client import Bakehouse
from .codec.parts import DISCHARGES
from .errors import BakehouseError, TokenError
from .origin import origin_of, page_of, split_url
from .token import Token
from .transport import TIMEOUT

_LONGEST_PAUSE = 2.0
"""Seconds between two questions to a service that does not hold them until there is an answer."""
_LONGEST_WAIT = 24 * 60 * 60.0
"""Seconds that a person may take, even if a third party allows more."""
_LAST_WORD = 2.0
"""Seconds for saying that nobody waits any more."""


@dataclass(frozen=True)
class Interaction:
    """Something that a person has to do. Show ``user_url`` and ``user_code``, or open the page."""

    id: str
    origin: str
    """The origin that was asked; ``user_url`` may lead elsewhere."""
    expires_at: datetime
    user_url: str | None
    user_code: str | None
    """The page shows the same code: a person compares the two."""


def discharge_token(
    token: Token,
    *,
    allow: Iterable[str],
    show_token_to: Iterable[str] = (),
    credentials: Mapping[str, str] | None = None,
    caveats: Iterable[str] = (),
    interact: Callable[[Interaction], None] | None = None,
    for_descendants: bool = True,
    patience: float = _LONGEST_WAIT,
    timeout: float = TIMEOUT,
    insecure_http: bool = False,
    ssl_context: ssl.SSLContext | None = None,
) -> Token:
    """Gets every discharge that a token still needs, and waits for people where it has to.

    :param allow: origins that may be asked. Any holder may have written a location into the token, so nothing is ever
        sent to an origin that is not named here
    :param show_token_to: of them, those that may see the token itself, as approvals need it
    :param credentials: by origin, for third parties that ask for one. No other credential is ever sent
    :param caveats: narrow each discharge; the person who is asked sees them, and agrees to nothing else.
        :func:`bakehouse.for_this_call` makes those of one call
    :param interact: called if a person has to do something; the waiting goes on by itself
    :param for_descendants: whether the discharges serve all that descends from the token, too
    :param patience: seconds to wait for people. A request for which nobody waits any more is withdrawn
    :returns: the token with its discharges
    :raises TokenError: ``invalid_caveat``; ``undischarged`` for a location that is not allowed, for a person's act without ``interact``,
        if nobody answers in time, and for ``caveats`` where no discharge is needed: nothing would hold the token to them
    :raises BakehouseError: if a third party refuses, or cannot be asked

    Example::

        token = discharge_token(
            token,
            allow=["https://tokens.example"],
            show_token_to=["https://tokens.example"],
            interact=lambda ask: print(ask.user_url, ask.user_code),
        )
    """
    given: object = token
    if not isinstance(given, Token):
        raise TypeError("discharge_token takes a Token: Token.parse(text)")
    if isinstance(allow, str) or isinstance(show_token_to, str) or isinstance(caveats, str):
        raise TypeError(
            "allow, show_token_to and caveats are lists of texts, not one text, such as "
            'allow=["https://tokens.example"] and caveats=["args.amount = 40"]'
        )
    allowed = {_origin(url) for url in allow}
    seeing = {_origin(url) for url in show_token_to}
    by_origin = {_origin(url): credential for url, credential in (credentials or {}).items()}
    asked_caveats = [checked_caveat(caveat) for caveat in caveats]
    if asked_caveats and not token.undischarged():
        raise TokenError(
            "undischarged",
            "the token needs no discharge, so nobody is asked, and the caveats would hold nobody: "
            "narrow the token itself by attenuate(*caveats)",
        )
    alone = token.without_discharges()
    discharged = token
    for _ in range(DISCHARGES + 1):
        missing = discharged.undischarged()
        if not missing:
            return discharged
        origin = origin_of(missing[0].location)
        if origin is None or origin not in allowed:
            raise TokenError("undischarged", f"a discharge is to be had at {_place(origin)}")
        party = Bakehouse(
            origin,
            by_origin.get(origin),
            timeout=timeout,
            insecure_http=insecure_http,
            ssl_context=ssl_context,
        )
        answer = party.discharge(
            missing[0].ticket,
            token=alone if origin in seeing else None,
            ancestor=token.revocation_id if for_descendants else None,
            caveats=asked_caveats,
        )
        if isinstance(answer, PendingDischarge):
            answer = _collected(answer, party, interact, patience)
        discharge = Token.parse(answer.discharge)
        if not discharge.is_for(missing[0].ticket):
            raise TokenError("undischarged", "the discharge is for another caveat")
        discharged = discharged.with_discharges(discharge)
    raise TokenError("undischarged", f"more than {DISCHARGES} discharges are needed")


def _collected(
    pending: PendingDischarge,
    party: Bakehouse,
    interact: Callable[[Interaction], None] | None,
    patience: float,
) -> Discharged:
    try:
        if interact is None:
            raise TokenError(
                "undischarged",
                "a discharge needs a human, and there is no way to tell one: interact shows them a page, "
                "such as interact=lambda ask: print(ask.user_url, ask.user_code)",
            )
        page = None if pending.user_url is None else page_of(pending.user_url, party.origin)
        if pending.user_url is not None and page is None:
            raise TokenError("undischarged", "the page to open is no safe web page")
        interact(Interaction(pending.id, party.origin, pending.expires_at, page, pending.user_code))
        return _waited(pending, party, patience)
    except BakehouseError:
        # The party has spoken, or can't be reached.
        raise
    except BaseException:
        # Nobody is there any more to collect it, so nobody should be asked. Whether that was heard changes nothing here.
        try:
            party.withdraw_discharge(pending, timeout=_LAST_WORD)
        except BakehouseError:
            pass
        raise


def _waited(pending: PendingDischarge, party: Bakehouse, patience: float) -> Discharged:
    allowed = (pending.expires_at - datetime.now(timezone.utc)).total_seconds()
    end = time.monotonic() + min(allowed, patience, _LONGEST_WAIT)
    rounds = 0
    while True:
        asked = time.monotonic()
        answer = party.collect_discharge(pending)
        if answer is not None:
            return answer
        if time.monotonic() > end:
            raise TokenError("undischarged", "nobody has answered in time")
        # A service that answers at once that there is no answer must not be asked in a tight loop.
        least = min(_LONGEST_PAUSE, 0.02 * 2 ** min(rounds, 10))
        time.sleep(max(0.0, least - (time.monotonic() - asked)))
        rounds += 1


def _place(origin: str | None) -> str:
    # Of a location, which any holder may have written, an origin alone is repeated: it has no secret and no odd letter.
    if origin is None:
        return "a place that is no origin, such as https://approvals.example, so nobody can be asked there"
    return f"{origin}, which allow does not name: name it there if you trust it"


def _origin(url: str) -> str:
    split = split_url(url)
    if split is None:
        raise ValueError("an origin is a web address: https://tokens.example")
    return split[0]
