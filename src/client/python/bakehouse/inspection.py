"""A token's own words about itself, for people. Source: ``src/client/inspection.ts``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .chain import revocation_id
from .codec import Format
from .codec.base64 import encode_base64url
from .codec.parts import Macaroon, RawCaveat
from .identifier import Identifier, parse_identifier
from .language.caveat import Agent, Time
from .language.characters import shown, shown_bytes
from .language.instants import Instant, instant_of
from .language.parse import parse_caveat_bytes

Kind = Literal["first-party", "third-party", "unknown"]
Placed = Literal["issued", "first_holder", "handed_over"]


@dataclass(frozen=True)
class Undischarged:
    """A third-party caveat that no discharge came with."""

    location: str
    """The origin that discharges it, as the token says: any holder may have written it."""
    ticket: bytes


@dataclass(frozen=True)
class InspectedCaveat:
    """One caveat as it can be shown."""

    text: str
    """Unsafe characters escaped; of a third-party caveat, the location that discharges it."""
    kind: Kind
    agent: str | None
    """The last agent named up to here; None before the first. A claim."""
    placed: Placed | None
    """``issued``, by the ``first_holder``, or since the token was ``handed_over`` to ``agent``. None for a macaroon
    that is none of Bakehouse's."""
    ticket: str | None
    """Of a third-party caveat: the ticket, base64url."""


@dataclass(frozen=True)
class InspectedDischarge:
    """One discharge as it can be shown."""

    ticket: str
    caveats: tuple[str, ...]
    revocation_id: str


@dataclass(frozen=True)
class Inspection:
    """Nothing of it is verified: the token's maker may have written all of it."""

    format: Format
    identifier: Identifier | None
    """None for a macaroon that is none of Bakehouse's."""
    location: str | None
    caveats: tuple[InspectedCaveat, ...]
    agents: tuple[str, ...]
    """Names that delegators gave, from the root on."""
    expires_at: datetime | None
    """The earliest ``time <`` of the token and its discharges; None if there is none."""
    is_expired: bool
    revocation_id: str
    """Names the token and all that descends from it. Those of the links above can't be known from below."""
    discharges: tuple[InspectedDischarge, ...]
    undischarged: tuple[Undischarged, ...]
    size: int
    """Characters of the token in a header."""


def inspect_bundle(macaroons: list[Macaroon], format: Format, size: int, now: datetime) -> Inspection:
    """Describes a root macaroon and the discharges behind it."""
    root, *discharges = macaroons
    identifier = parse_identifier(root.identifier)
    issued = None if identifier is None else identifier.issued_caveats
    caveats: list[InspectedCaveat] = []
    agents: list[str] = []
    for index, raw in enumerate(root.caveats):
        caveat = None if raw.verification_id is not None else parse_caveat_bytes(raw.id)
        if isinstance(caveat, Agent):
            agents.append(caveat.text)
        is_third = raw.verification_id is not None
        caveats.append(
            InspectedCaveat(
                text=_text(raw),
                kind="third-party" if is_third else "unknown" if caveat is None else "first-party",
                agent=agents[-1] if agents else None,
                placed=_placed(index, issued, bool(agents)),
                ticket=encode_base64url(raw.id) if is_third else None,
            )
        )
    expiry = expiry_of(macaroons)
    return Inspection(
        format=format,
        identifier=identifier,
        location=None if root.location is None else shown(root.location),
        caveats=tuple(caveats),
        agents=tuple(agents),
        expires_at=None if expiry is None else expiry.to_datetime(),
        is_expired=expiry is not None and expiry <= instant_of(now),
        revocation_id=revocation_id(root.signature),
        discharges=tuple(map(_discharge, discharges)),
        undischarged=tuple(
            replace(missing, location=shown(missing.location)) for missing in undischarged_in(macaroons)
        ),
        size=size,
    )


def expiry_of(macaroons: list[Macaroon]) -> Instant | None:
    """The earliest end, as verify counts it: a bundle is good for as long as all of it is."""
    raw = (caveat for macaroon in macaroons for caveat in macaroon.caveats if caveat.verification_id is None)
    read = (parse_caveat_bytes(caveat.id) for caveat in raw)
    return min((caveat.at for caveat in read if isinstance(caveat, Time) and caveat.operator == "<"), default=None)


def undischarged_in(macaroons: list[Macaroon]) -> list[Undischarged]:
    """Third-party caveats, of the root macaroon and of its discharges, that nothing in the bundle discharges."""
    # As many discharges of one ticket as there are: each serves one caveat.
    served = Counter(discharge.identifier for discharge in macaroons[1:])
    missing: list[Undischarged] = []
    for macaroon in macaroons:
        for caveat in macaroon.caveats:
            if caveat.verification_id is None:
                continue
            if served[caveat.id] > 0:
                served[caveat.id] -= 1
            else:
                missing.append(Undischarged(caveat.location or "", caveat.id))
    return missing


def _discharge(discharge: Macaroon) -> InspectedDischarge:
    return InspectedDischarge(
        ticket=encode_base64url(discharge.identifier),
        caveats=tuple(map(_text, discharge.caveats)),
        revocation_id=revocation_id(discharge.signature),
    )


def _placed(index: int, issued: int | None, named: bool) -> Placed | None:
    if issued is None:
        return None
    if index < issued:
        return "issued"
    return "handed_over" if named else "first_holder"


def _text(caveat: RawCaveat) -> str:
    if caveat.verification_id is not None:
        return shown(caveat.location or "")
    try:
        return shown(caveat.id.decode("utf-8"))
    except UnicodeDecodeError:
        return shown_bytes(caveat.id)
