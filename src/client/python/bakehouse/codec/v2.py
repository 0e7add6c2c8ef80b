"""The v2 binary form (libmacaroons ``doc/format.txt``). Source: ``src/macaroon/codec/v2.ts``."""

from __future__ import annotations

from .parts import (
    SIGNATURE_BYTES,
    Macaroon,
    RawCaveat,
    check_caveat_count,
    check_caveat_size,
    check_field_size,
    location_text,
    make_caveat,
    make_macaroon,
    malformed,
)
from .reader import ByteReader, uvarint_bytes

V2_VERSION = 2
"""The first byte of every v2 macaroon."""

_END = 0
_LOCATION = 1
_IDENTIFIER = 2
_VERIFICATION_ID = 4
_SIGNATURE = 6


def read_v2(reader: ByteReader) -> Macaroon:
    """Reads one macaroon and leaves the reader behind it. Fields stand in rising order and none twice."""
    if reader.byte() != V2_VERSION:
        raise malformed("not a v2 macaroon")
    location = _optional(reader, _LOCATION)
    identifier = _required(reader, _IDENTIFIER, "identifier")
    _end(reader)
    caveats: list[RawCaveat] = []
    while reader.peek() != _END:
        check_caveat_count(len(caveats) + 1)
        caveats.append(_caveat(reader))
    _end(reader)
    if reader.byte() != _SIGNATURE:
        raise malformed("no signature where one is due")
    if reader.uvarint() != SIGNATURE_BYTES:
        raise malformed(f"signature is not {SIGNATURE_BYTES} bytes")
    signature = reader.take(SIGNATURE_BYTES)
    return make_macaroon(_location(location), identifier, caveats, signature)


def encode_v2(macaroon: Macaroon) -> bytes:
    """Writes a macaroon; one that was read as v2 comes back as the very same bytes."""
    parts = [bytes((V2_VERSION,)), _location_field(macaroon.location)]
    parts += [_field(_IDENTIFIER, macaroon.identifier), bytes((_END,))]
    for caveat in macaroon.caveats:
        parts += [_location_field(caveat.location), _field(_IDENTIFIER, caveat.id)]
        if caveat.verification_id is not None:
            parts.append(_field(_VERIFICATION_ID, caveat.verification_id))
        parts.append(bytes((_END,)))
    parts += [bytes((_END,)), _field(_SIGNATURE, macaroon.signature)]
    return b"".join(parts)


def _caveat(reader: ByteReader) -> RawCaveat:
    location = _optional(reader, _LOCATION)
    id = _required(reader, _IDENTIFIER, "caveat")
    verification_id = _optional(reader, _VERIFICATION_ID)
    _end(reader)
    caveat = make_caveat(id, verification_id, _location(location))
    check_caveat_size(caveat)
    return caveat


def _optional(reader: ByteReader, type: int) -> bytes | None:
    if reader.peek() != type:
        return None
    reader.byte()
    length = reader.uvarint()
    data = reader.take(length)
    check_field_size("field", length)
    return data


def _required(reader: ByteReader, type: int, name: str) -> bytes:
    data = _optional(reader, type)
    if data is None:
        raise malformed(f"no {name} where one is due")
    return data


def _end(reader: ByteReader) -> None:
    if reader.byte() != _END:
        raise malformed("field that is unknown, doubled or out of order")


def _location(data: bytes | None) -> str | None:
    return None if data is None else location_text(data)


def _location_field(location: str | None) -> bytes:
    return b"" if location is None else _field(_LOCATION, location.encode())


def _field(type: int, data: bytes) -> bytes:
    return bytes((type,)) + uvarint_bytes(len(data)) + data
