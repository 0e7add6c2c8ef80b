"""A token: narrowed offline, handed on, and kept out of logs. Source: ``src/client/token.ts``."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, NoReturn

from .caveats import agent, checked_caveat, depth as depth_caveat, expires_in, holder as holder_caveat
from .chain import append_predicates, bind, revocation_id
from .codec import Format, decode_binary, decode_bundle, encode, encode_bundle
from .codec.parts import Macaroon
from .errors import TokenError, TokenErrorCode
from .inspection import Inspection, Undischarged, inspect_bundle, undischarged_in
from .language.caveat import Agent, Ancestor, Depth, Rate, Spend, Uses
from .language.characters import quote, trim
from .language.parse import parse_caveat_bytes
from .words import TOKEN_BUDGETS

_INSTANCE_BYTES = 9


@dataclass(frozen=True, eq=False)
class _Discharge:
    macaroon: Macaroon
    state: Literal["arrived", "tied", "unbound"]
    """``arrived``: bound, as far as anyone can tell, to the token it came with. ``tied`` needs no binding."""


class Token:
    """A macaroon with its discharges, ready to be narrowed. Nothing of it is verified.

    Immutable: each step gives a new token. It never prints itself, because its text is its power: only :meth:`encode`
    gives that away. It can't be pickled for the same reason.

    Example::

        mine = Token.parse(os.environ["BAKEHOUSE_TOKEN"])
        narrower = mine.delegate("researcher", [allow.action("read"), at_most("args.amount", 20)], ttl=900, depth=1)
        headers = {"Authorization": f"Bearer {narrower.encode()}"}
    """

    __slots__ = ("_discharges", "_format", "_root")

    def __init__(self, root: Macaroon, discharges: tuple[_Discharge, ...], format: Format) -> None:
        """For this library alone: tokens are made by :meth:`parse`."""
        self._root = root
        self._discharges = discharges
        self._format: Format = format

    @staticmethod
    def parse(source: str | bytes) -> Token:
        """Reads a token, alone or with its discharges, in any format.

        :param source: base64 of v1 or v2, or JSON, white space around it allowed; or the bytes of v1 or v2
        :raises TokenError: ``malformed`` or ``too_large``
        """
        given: object = source
        if not isinstance(given, (str, bytes)):
            raise TypeError(f"the source of a token is its text or bytes, not {type(given).__name__}")
        code: TokenErrorCode = "malformed"
        rule = ""
        try:
            read = decode_bundle(trim(source)) if isinstance(source, str) else decode_binary(source)
        except TokenError as error:
            code, rule = error.code, str(error)
        else:
            format, (root, *discharges) = read
            arrived = (_Discharge(one, "tied" if _is_tied(one) else "arrived") for one in discharges)
            return Token(root, tuple(arrived), format)
        raise TokenError(code, f"the token cannot be read: {rule}")

    @property
    def revocation_id(self) -> str:
        """Names this token and all that descends from it. Gives no power."""
        return revocation_id(self._root.signature)

    def attenuate(self, *caveats: str) -> Token:
        """Narrows the token. Needs no key and no network.

        :param caveats: texts of the caveat language, from the builders or written by hand
        :raises TokenError: ``invalid_caveat`` for one that every verifier would refuse, ``too_large``,
            ``bound_discharges``
        :raises TypeError: for a list in place of its caveats

        Example::

            token.attenuate("action = read", at_most("args.amount", 20), *more)
        """
        return self._narrowed([checked_caveat(caveat) for caveat in _texts(caveats)])

    def delegate(
        self,
        name: str,
        caveats: Iterable[str] = (),
        *,
        ttl: float | None = None,
        depth: int | None = None,
        instance: str | None = None,
        holder: str | None = None,
    ) -> Token:
        """Narrows the token for its next holder. ``agent = name#instance`` comes first: for tracing and cutting off.

        :param name: 1-128 of letters, digits and ``. _ : / @ -``
        :param caveats: the limits of the next holder
        :param ttl: seconds from now; it never outlives the token it comes from
        :param depth: how often the next holder may hand it on
        :param instance: tells two holders of one name apart; random unless given, so that two delegations are two links
        :param holder: the thumbprint of the next holder's key, without which the token is then worth nothing
        :raises TokenError: as :meth:`attenuate`, and where a ``depth`` of the token allows no further hand-over
        """
        spent = _spent_depth(self._root)
        if spent is not None:
            cure = "meant for the next holder, that goes into delegate's option depth (--depth)"
            message = f"{quote(spent)}: this token may not be handed on; {cure}"
            raise TokenError("invalid_caveat", message, spent)
        added = [agent(name, secrets.token_urlsafe(_INSTANCE_BYTES) if instance is None else instance)]
        if holder is not None:
            added.append(holder_caveat(holder))
        added += [checked_caveat(caveat) for caveat in _texts(caveats)]
        if ttl is not None:
            added.append(expires_in(ttl))
        if depth is not None:
            added.append(depth_caveat(depth))
        return self._narrowed(added)

    def undischarged(self) -> tuple[Undischarged, ...]:
        """Third-party caveats, of the token and its discharges, that still need one."""
        return tuple(undischarged_in(self._macaroons()))

    def is_for(self, ticket: bytes) -> bool:
        """Whether this is a discharge of that ticket, as far as its identifier tells."""
        return self._root.identifier == ticket

    def with_discharges(self, *discharges: Token | str) -> Token:
        """Takes discharges in. They are bound as late as :meth:`encode`, so the token can still be narrowed."""
        added = list(self._discharges)
        for discharge in discharges:
            token = Token.parse(discharge) if isinstance(discharge, str) else discharge
            added += [_Discharge(one, "tied" if _is_tied(one) else "unbound") for one in token._macaroons()]
        return Token(self._root, tuple(added), self._format)

    def without_discharges(self) -> Token:
        """The token alone."""
        return Token(self._root, (), self._format)

    def inspect(self, now: datetime | None = None) -> Inspection:
        """The token's own words about itself. ``now`` is this machine's clock unless said."""
        clock = datetime.now(timezone.utc) if now is None else now
        return inspect_bundle(self._macaroons(), self._format, len(self.encode()), clock)

    def encode(self, format: Format = "v2") -> str:
        """The token's text: a secret.

        In the default format it goes behind ``Bearer ``, discharges included and bound; in any other it is the
        macaroon alone.

        :raises TokenError: for a bundle in a format that has no bundles, or one over the limits
        """
        bound = [
            bind(self._root, discharge.macaroon) if discharge.state == "unbound" else discharge.macaroon
            for discharge in self._discharges
        ]
        if format == "v2":
            return encode_bundle([self._root, *bound])
        if bound:
            raise TokenError("malformed", f"the format {format} holds one macaroon and no discharges")
        return encode(self._root, format)

    def __repr__(self) -> str:
        return f"<token {self.revocation_id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled: its text is its power, and encode() gives it")

    def _narrowed(self, caveats: list[str]) -> Token:
        if not caveats:
            return self
        if any(discharge.state == "arrived" for discharge in self._discharges):
            raise TokenError(
                "bound_discharges",
                "the token's discharges are bound to it as it is: narrow it first and discharge it then, "
                "or take them out with without_discharges()",
            )
        narrowed = Token(append_predicates(self._root, caveats), self._discharges, self._format)
        macaroons = narrowed._macaroons()
        # Nearly every token has fewer caveats: none of them is read.
        most = sum(len(macaroon.caveats) for macaroon in macaroons)
        if most > TOKEN_BUDGETS and sum(map(_budgets_in, macaroons)) > TOKEN_BUDGETS:
            raise TokenError("too_large", f"more than {TOKEN_BUDGETS} budgets in the token and its discharges")
        return narrowed

    def _macaroons(self) -> list[Macaroon]:
        return [self._root, *(discharge.macaroon for discharge in self._discharges)]


def _texts(caveats: Iterable[object]) -> list[str]:
    if isinstance(caveats, str):
        raise TypeError('caveats are a list of texts, not one text, such as ["action = read"]')
    texts: list[str] = []
    for caveat in caveats:
        if not isinstance(caveat, str):
            kind = type(caveat).__name__
            raise TypeError(f"each caveat is a text, not {kind}: attenuate takes them one by one, attenuate(*caveats)")
        texts.append(caveat)
    return texts


def _spent_depth(macaroon: Macaroon) -> str | None:
    """The text of a ``depth`` that one hand-over more would break; None if none would."""
    following = 1
    for raw in reversed(macaroon.caveats):
        caveat = None if raw.verification_id is not None else parse_caveat_bytes(raw.id)
        if isinstance(caveat, Agent):
            following += 1
        if isinstance(caveat, Depth) and caveat.most < following:
            return str(caveat)
    return None


def _budgets_in(macaroon: Macaroon) -> int:
    return sum(
        caveat.verification_id is None and isinstance(parse_caveat_bytes(caveat.id), (Uses, Spend, Rate))
        for caveat in macaroon.caveats
    )


def has_budgets(token: Token | str) -> bool:
    """Whether a token or one of its discharges has a budget. What can't be read here has, for all that is known."""
    try:
        parsed = Token.parse(token) if isinstance(token, str) else token
    except TokenError:
        return True
    return any(_budgets_in(macaroon) for macaroon in parsed._macaroons())  # pyright: ignore[reportPrivateUsage]


def _is_tied(macaroon: Macaroon) -> bool:
    """Whether a discharge has the caveat that stands in for binding."""
    return any(
        caveat.verification_id is None and isinstance(parse_caveat_bytes(caveat.id), Ancestor)
        for caveat in macaroon.caveats
    )
