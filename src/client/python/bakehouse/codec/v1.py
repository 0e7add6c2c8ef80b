"""The v1 binary form: packets of four hex digits, a key, a space, a value. Source: ``src/macaroon/codec/v1.ts``."""

from __future__ import annotations

from .parts import (
    Macaroon,
    RawCaveat,
    check_caveat_count,
    check_caveat_size,
    check_field_size,
    location_text,
    make_caveat,
    make_macaroon,
    malformed,
    too_large,
)
from .reader import ByteReader

_HEX = b"0123456789abcdef"
_LENGTH_DIGITS = 4
_LONGEST_PACKET = 0xFFFF


def looks_like_v1(first: int) -> bool:
    """Whether a binary may be v1: only a hex digit can begin one."""
    return first in _HEX


def read_v1(reader: ByteReader) -> Macaroon:
    """Reads one macaroon and leaves the reader behind it. A location is never absent here, only empty."""
    location = _expect(_packet(reader), "location")
    check_field_size("location", len(location))
    identifier = _expect(_packet(reader), "identifier")
    check_field_size("identifier", len(identifier))
    caveats: list[RawCaveat] = []
    packet = _packet(reader)
    while packet[0] == "cid":
        check_caveat_count(len(caveats) + 1)
        id = packet[1]
        packet = _packet(reader)
        verification_id = packet[1] if packet[0] == "vid" else None
        if verification_id is not None:
            packet = _packet(reader)
        hint = packet[1] if packet[0] == "cl" else None
        if hint is not None:
            packet = _packet(reader)
        check_field_size("location", len(hint or b""))
        caveat = make_caveat(id, verification_id, None if hint is None else location_text(hint))
        check_caveat_size(caveat)
        caveats.append(caveat)
    signature = _expect(packet, "signature")
    return make_macaroon(location_text(location), identifier, caveats, signature)


def encode_v1(macaroon: Macaroon) -> bytes:
    """Writes a macaroon. A location that is absent becomes an empty one.

    :raises TokenError: ``too_large`` if a field does not fit into a packet
    """
    parts = [_written("location", (macaroon.location or "").encode()), _written("identifier", macaroon.identifier)]
    for caveat in macaroon.caveats:
        parts.append(_written("cid", caveat.id))
        if caveat.verification_id is not None:
            parts.append(_written("vid", caveat.verification_id))
        if caveat.location is not None:
            parts.append(_written("cl", caveat.location.encode()))
    parts.append(_written("signature", macaroon.signature))
    return b"".join(parts)


def _expect(packet: tuple[str, bytes], key: str) -> bytes:
    if packet[0] != key:
        raise malformed(f"no {key} packet where one is due")
    return packet[1]


def _packet(reader: ByteReader) -> tuple[str, bytes]:
    length = 0
    for _ in range(_LENGTH_DIGITS):
        digit = _HEX.find(reader.byte())
        if digit < 0:
            raise malformed("packet length is not lower-case hexadecimal")
        length = length * 16 + digit
    # A packet of length 0 is one on which libmacaroons loops for ever.
    if length < _LENGTH_DIGITS:
        raise malformed("packet shorter than its own length")
    body = reader.take(length - _LENGTH_DIGITS)
    space = body.find(b" ")
    if space < 0:
        raise malformed("packet without a space")
    if not body.endswith(b"\n"):
        raise malformed("packet without a newline at its end")
    return body[:space].decode("latin-1"), body[space + 1 : -1]


def _written(key: str, value: bytes) -> bytes:
    length = _LENGTH_DIGITS + len(key) + 1 + len(value) + 1
    if length > _LONGEST_PACKET:
        raise too_large(f"packet of more than {_LONGEST_PACKET} bytes")
    return f"{length:04x}{key} ".encode() + value + b"\n"
