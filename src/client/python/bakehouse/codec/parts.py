"""A macaroon that was parsed and not verified, and the limits of one. Source: ``src/macaroon/parts``."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import TokenError

BUNDLE_BYTES = 65_536
"""Bytes, or characters, of a bundle in the form in which it arrives."""
CAVEATS = 256
"""Caveats of one macaroon."""
CAVEAT_BYTES = 4_096
"""Bytes of a caveat's fields together; also of an identifier and a location."""
DISCHARGES = 32
"""Discharges in one bundle."""
SIGNATURE_BYTES = 32


def malformed(rule: str) -> TokenError:
    """The error for bytes that break a rule of the format."""
    return TokenError("malformed", rule)


def too_large(rule: str) -> TokenError:
    """The error for a limit that is passed."""
    return TokenError("too_large", rule)


@dataclass(frozen=True)
class RawCaveat:
    """A caveat's bytes. It is third-party if and only if it has a verification id."""

    id: bytes
    verification_id: bytes | None = None
    location: str | None = None
    """The third party that discharges it. A hint only: no signature covers it."""

    @property
    def size(self) -> int:
        return len(self.id) + len(self.verification_id or b"") + utf8_length(self.location)


@dataclass(frozen=True, eq=False)
class Macaroon:
    """A macaroon whose sender may have written all of it. None and an empty location are told apart.

    The signature, with the caveats, is the macaroon itself: it stands in no representation, and macaroons are not
    compared, since a comparison that stops at the first difference tells the signature byte by byte.
    """

    location: str | None
    identifier: bytes
    caveats: tuple[RawCaveat, ...]
    signature: bytes = field(repr=False)


def make_caveat(id: bytes, verification_id: bytes | None, location: str | None) -> RawCaveat:
    """Puts a decoded caveat together. An empty location of a first-party caveat is read, as pymacaroons writes it."""
    if verification_id is None and location:
        raise malformed("location in a first-party caveat")
    return RawCaveat(id, verification_id, location)


def make_macaroon(
    location: str | None, identifier: bytes, caveats: list[RawCaveat], signature: bytes
) -> Macaroon:
    """Puts a decoded macaroon together."""
    if len(signature) != SIGNATURE_BYTES:
        raise malformed(f"signature is not {SIGNATURE_BYTES} bytes")
    return Macaroon(location, identifier, tuple(caveats), signature)


def utf8_length(text: str | None) -> int:
    """Bytes that a text takes as UTF-8; 0 for None."""
    return len(text.encode("utf-8", "surrogatepass")) if text else 0


def utf16_length(text: str) -> int:
    """Units of UTF-16, in which the other libraries count a text."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def check_caveat_count(count: int) -> None:
    if count > CAVEATS:
        raise too_large(f"more than {CAVEATS} caveats")


def check_discharge_count(count: int) -> None:
    if count > DISCHARGES:
        raise too_large(f"more than {DISCHARGES} discharges")


def check_field_size(name: str, length: int) -> None:
    if length > CAVEAT_BYTES:
        raise too_large(f"{name} of more than {CAVEAT_BYTES} bytes")


def check_caveat_size(caveat: RawCaveat) -> None:
    check_field_size("caveat", caveat.size)


def check_bundle_size(size: int) -> None:
    if size > BUNDLE_BYTES:
        raise too_large(f"bundle of more than {BUNDLE_BYTES} bytes")


def check_macaroon(macaroon: Macaroon) -> None:
    """Refuses a macaroon that no decoder would have read."""
    check_caveat_count(len(macaroon.caveats))
    check_field_size("identifier", len(macaroon.identifier))
    check_field_size("location", utf8_length(macaroon.location))
    for caveat in macaroon.caveats:
        check_caveat_size(caveat)


def location_text(data: bytes) -> str:
    """A location's text. Locations are texts in every format."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise malformed("location is not utf-8")
