"""Base64 as tokens have it (RFC 4648). Source: ``src/macaroon/parts/base64.ts``."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from .parts import malformed

_DIGITS = re.compile(r"[A-Za-z0-9+/_-]*")


def decode_base64(text: str) -> bytes:
    """Reads base64 in either alphabet, padded or not, and strictly.

    White space, a mixture of the alphabets, half padding and spare bits are refused: each would give one token many
    texts.

    :raises TokenError: ``malformed``
    """
    body = text[:-2] + text[-2:].rstrip("=")
    if len(body) < len(text) and len(text) % 4 != 0:
        raise malformed("base64 with wrong padding")
    if len(body) % 4 == 1:
        raise malformed("base64 of an impossible length")
    if _DIGITS.fullmatch(body) is None:
        raise malformed("not base64")
    if ("+" in body or "/" in body) and ("-" in body or "_" in body):
        raise malformed("base64 of two alphabets")
    url = body.replace("+", "-").replace("/", "_")
    data = urlsafe_b64decode(url + "=" * (-len(url) % 4))
    if encode_base64url(data) != url:
        raise malformed("base64 with spare bits")
    return data


def encode_base64url(data: bytes) -> str:
    """Writes base64url without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
