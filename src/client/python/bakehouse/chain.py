"""The chain of HMACs, as libmacaroons builds it. Source: ``src/macaroon`` and libmacaroons ``macaroons.c``.

A tail is the HMAC-SHA256 after a caveat; the last one is the signature. Nothing here has a root key: narrowing needs
none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace

from .codec.base64 import encode_base64url
from .codec.parts import Macaroon, RawCaveat, check_caveat_count, check_caveat_size

_BINDING_KEY = bytes(32)
_REVOCATION_PREFIX = b"bakehouse revocation v1\0"
_REVOCATION_ID_BYTES = 16


def append_predicates(macaroon: Macaroon, predicates: Iterable[str]) -> Macaroon:
    """Narrows a macaroon by first-party caveats: ``tail = HMAC(tail, predicate)`` for each.

    :raises TokenError: ``too_large`` if the result would be over the limits
    """
    added = tuple(RawCaveat(predicate.encode()) for predicate in predicates)
    caveats = macaroon.caveats + added
    check_caveat_count(len(caveats))
    for caveat in added:
        check_caveat_size(caveat)
    signature = macaroon.signature
    for caveat in added:
        signature = _hmac(signature, caveat.id)
    return replace(macaroon, caveats=caveats, signature=signature)


def bind(root: Macaroon, discharge: Macaroon) -> Macaroon:
    """Ties a discharge to the root macaroon that it is presented with: neither can be narrowed afterwards."""
    both = _hmac(_BINDING_KEY, root.signature) + _hmac(_BINDING_KEY, discharge.signature)
    return replace(discharge, signature=_hmac(_BINDING_KEY, both))


def revocation_id(tail: bytes) -> str:
    """Names the link that a tail of 32 bytes ends, and all that descends from it: 22 characters that give no power."""
    digest = hashlib.sha256(_REVOCATION_PREFIX + tail).digest()
    return encode_base64url(digest[:_REVOCATION_ID_BYTES])


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
