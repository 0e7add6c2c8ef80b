"""Both JSON forms. Source: ``src/macaroon/codec/v1-json.ts``, ``v2-json.ts`` and libmacaroons ``doc/format.txt``."""

from __future__ import annotations

import json
import re
from typing import Literal

from ..errors import TokenError
from ..jsontext import JsonError, JsonNumber, JsonValue, parse_json
from .base64 import decode_base64, encode_base64url
from .parts import (
    Macaroon,
    RawCaveat,
    check_caveat_count,
    check_caveat_size,
    check_discharge_count,
    check_field_size,
    check_macaroon,
    make_caveat,
    make_macaroon,
    malformed,
    utf16_length,
)

# A macaroon is an object in an array in an object; an array of them is one more.
_DEPTH = 4
_V1_MEMBERS = frozenset(("location", "identifier", "caveats", "signature"))
_V1_CAVEAT = frozenset(("cid", "vid", "cl"))
_V2_MEMBERS = frozenset(("v", "l", "i", "i64", "c", "s", "s64"))
_V2_CAVEAT = frozenset(("l", "i", "i64", "v", "v64"))
_HEX_SIGNATURE = re.compile("[0-9a-f]{64}")

JsonFormat = Literal["v1-json", "v2-json"]
Members = dict[str, JsonValue]


def read_json(text: str) -> list[tuple[JsonFormat, Macaroon]]:
    """Reads a JSON macaroon of either version, or an array of such."""
    code = ""
    value: JsonValue = None
    try:
        value = parse_json(text, max_depth=_DEPTH, allow_nul=True)
    except JsonError as error:
        code = error.code
    if code:
        raise malformed(f"json: {code}")
    items = value if isinstance(value, list) else [value]
    check_discharge_count(len(items) - 1)
    return [_read(item) for item in items]


def encode_v2_json(macaroon: Macaroon) -> str:
    """Writes ``{"v":2,"l","i","c","s64"}``: always with ``c``, without which libmacaroons refuses."""
    head = '"v":2,' + ("" if macaroon.location is None else f'"l":{_text(macaroon.location)},')
    caveats = ",".join(_encode_v2_caveat(caveat) for caveat in macaroon.caveats)
    identifier = _bytes_member("i", macaroon.identifier)
    return "{" + f'{head}{identifier},"c":[{caveats}],"s64":"{encode_base64url(macaroon.signature)}"' + "}"


def encode_v1_json(macaroon: Macaroon) -> str:
    """Writes ``{"caveats","location","identifier","signature"}``. A location that is absent becomes an empty one.

    :raises TokenError: ``malformed`` for an id that is not UTF-8, which this format has no way to write
    """
    caveats = ",".join(_encode_v1_caveat(caveat) for caveat in macaroon.caveats)
    location = _text(macaroon.location or "")
    identifier = _utf8("identifier", macaroon.identifier)
    signature = macaroon.signature.hex()
    return (
        "{" + f'"caveats":[{caveats}],"location":{location},"identifier":{identifier},"signature":"{signature}"' + "}"
    )


def _read(value: JsonValue) -> tuple[JsonFormat, Macaroon]:
    # No member name is in both versions.
    if isinstance(value, dict) and ("identifier" in value or "signature" in value):
        return "v1-json", _read_v1(value)
    return "v2-json", _read_v2(value)


def _read_v1(value: JsonValue) -> Macaroon:
    members = _object(value, _V1_MEMBERS)
    items = _array(members, "caveats")
    check_caveat_count(len(items))
    location = _required(members, "location")
    identifier = _required(members, "identifier").encode()
    caveats: list[RawCaveat] = []
    for item in items:
        fields = _object(item, _V1_CAVEAT)
        vid = _string(fields, "vid")
        verification_id = None if vid is None else decode_base64(vid)
        caveat = make_caveat(_required(fields, "cid").encode(), verification_id, _string(fields, "cl"))
        check_caveat_size(caveat)
        caveats.append(caveat)
    signature = _required(members, "signature")
    if _HEX_SIGNATURE.fullmatch(signature) is None:
        raise malformed("signature is not 64 lower-case hexadecimal digits")
    macaroon = make_macaroon(location, identifier, caveats, bytes.fromhex(signature))
    check_macaroon(macaroon)
    return macaroon


def _read_v2(value: JsonValue) -> Macaroon:
    members = _object(value, _V2_MEMBERS)
    # The number 2, the string "2", or absent, for libraries write all three.
    if "v" in members and not (isinstance(members["v"], str) and members["v"] == "2"):
        raise malformed("json version is not 2")
    items = _array(members, "c")
    check_caveat_count(len(items))
    location = _string(members, "l")
    identifier = _due("identifier", _bytes(members, "i"))
    caveats: list[RawCaveat] = []
    for item in items:
        fields = _object(item, _V2_CAVEAT)
        id = _due("caveat id", _bytes(fields, "i"))
        caveat = make_caveat(id, _bytes(fields, "v"), _string(fields, "l"))
        check_caveat_size(caveat)
        caveats.append(caveat)
    macaroon = make_macaroon(location, identifier, caveats, _due("signature", _bytes(members, "s")))
    check_macaroon(macaroon)
    return macaroon


def _object(value: JsonValue, known: frozenset[str]) -> Members:
    if not isinstance(value, dict):
        raise malformed("not a json object")
    if not known.issuperset(value):
        raise malformed("unknown json member")
    return value


def _array(members: Members, name: str) -> list[JsonValue]:
    value = members.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed(f"json member {name} is not an array")
    return value


def _string(members: Members, name: str) -> str | None:
    """A member that is a string; absent and null are the same, as pymacaroons writes null for nothing."""
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, JsonNumber):
        raise malformed(f"json member {name} is not a string")
    # Base64 takes four characters for three bytes; a longer text has too many bytes however it is read.
    check_field_size("field", utf16_length(value) // 2)
    return value


def _required(members: Members, name: str) -> str:
    value = _string(members, name)
    if value is None:
        raise malformed(f"no json member {name}")
    return value


def _bytes(members: Members, name: str) -> bytes | None:
    """The bytes of ``name``, written as text, or of ``name64``, written as base64; never of both."""
    text = _string(members, name)
    base64 = _string(members, f"{name}64")
    if text is not None and base64 is not None:
        raise malformed(f"json members {name} and {name}64 together")
    if base64 is not None:
        return decode_base64(base64)
    return None if text is None else text.encode()


def _due(name: str, data: bytes | None) -> bytes:
    if data is None:
        raise malformed(f"no {name} where one is due")
    return data


def _encode_v2_caveat(caveat: RawCaveat) -> str:
    members = [_bytes_member("i", caveat.id)]
    if caveat.verification_id is not None:
        members.append(f'"v64":"{encode_base64url(caveat.verification_id)}"')
    if caveat.location is not None:
        members.append(f'"l":{_text(caveat.location)}')
    return "{" + ",".join(members) + "}"


def _encode_v1_caveat(caveat: RawCaveat) -> str:
    members = [f'"cid":{_utf8("caveat", caveat.id)}']
    if caveat.verification_id is not None:
        members.append(f'"vid":"{encode_base64url(caveat.verification_id)}"')
    if caveat.location is not None:
        members.append(f'"cl":{_text(caveat.location)}')
    return "{" + ",".join(members) + "}"


def _bytes_member(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    # A NUL would end the string in a reader that is written in C.
    if "\0" in text:
        return f'"{name}64":"{encode_base64url(data)}"'
    return f'"{name}":{_text(text)}'


def _utf8(name: str, data: bytes) -> str:
    try:
        return _text(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    raise TokenError("malformed", f"{name} is not utf-8")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
