"""Every serialisation of a macaroon. Source: ``src/macaroon/codec/decode.ts`` and ``encode.ts``."""

from __future__ import annotations

import re
from typing import Literal

from .base64 import decode_base64, encode_base64url
from .json_forms import encode_v1_json, encode_v2_json, read_json
from .parts import Macaroon, check_bundle_size, check_discharge_count, check_macaroon, malformed, utf16_length
from .reader import ByteReader
from .v1 import encode_v1, looks_like_v1, read_v1
from .v2 import V2_VERSION, encode_v2, read_v2

Format = Literal["v1", "v2", "v1-json", "v2-json"]

_JSON = re.compile(r"[ \t\r\n]*[\[{]")


def decode_bundle(text: str) -> tuple[Format, list[Macaroon]]:
    """Reads a bundle from the text that stands in an ``Authorization`` header or in a JSON string.

    That is base64, in any spelling, of v2 macaroons one after another or of one v1 macaroon; or a JSON macaroon of
    either version; or a JSON array of such.

    :returns: the format of the root macaroon, and the root macaroon with its discharges behind it
    :raises TokenError: ``malformed`` or ``too_large``
    """
    check_bundle_size(utf16_length(text))
    if _JSON.match(text) is None:
        return _read_binary(decode_base64(text))
    read = read_json(text)
    if not read:
        raise malformed("no macaroon")
    return read[0][0], [macaroon for _, macaroon in read]


def decode_binary(data: bytes) -> tuple[Format, list[Macaroon]]:
    """Reads a bundle from bytes without base64. Else as :func:`decode_bundle`."""
    check_bundle_size(len(data))
    return _read_binary(data)


def encode(macaroon: Macaroon, format: Format) -> str:
    """Writes one macaroon as text: base64url without padding for the binary formats, else JSON.

    :raises TokenError: for a macaroon that the format has no way to write
    """
    if format == "v1":
        return encode_base64url(encode_v1(macaroon))
    if format == "v2":
        return encode_base64url(encode_v2(macaroon))
    if format == "v1-json":
        return encode_v1_json(macaroon)
    if format == "v2-json":
        return encode_v2_json(macaroon)
    raise ValueError("the format is v1, v2, v1-json or v2-json")


def encode_bundle(macaroons: list[Macaroon]) -> str:
    """Writes a root macaroon and its discharges as one text: base64url of v2 macaroons one after another.

    :raises TokenError: ``too_large`` if it would be over the limits, and nobody would read it
    """
    check_discharge_count(len(macaroons) - 1)
    for macaroon in macaroons:
        check_macaroon(macaroon)
    text = encode_base64url(b"".join(encode_v2(macaroon) for macaroon in macaroons))
    check_bundle_size(len(text))
    return text


def _read_binary(data: bytes) -> tuple[Format, list[Macaroon]]:
    if not data:
        raise malformed("no macaroon")
    reader = ByteReader(data)
    if looks_like_v1(data[0]):
        macaroon = read_v1(reader)
        if not reader.is_at_end:
            raise malformed("data after the macaroon")
        return "v1", [macaroon]
    if data[0] != V2_VERSION:
        raise malformed("no macaroon in v1, v2 or JSON")
    macaroons: list[Macaroon] = []
    while not reader.is_at_end:
        check_discharge_count(len(macaroons))
        macaroons.append(read_v2(reader))
    return "v2", macaroons
