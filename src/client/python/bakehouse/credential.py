"""Refuses credentials that cannot be one. Source: ``src/client/credential.ts``."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone

from .codec import decode_bundle
from .errors import ProblemError, TokenError
from .inspection import expiry_of

_CLOCK_SKEW = timedelta(minutes=5)
"""By which this machine's clock may be ahead of the service's."""
_PATH = re.compile(r"(?:~|\.{1,2})?/|[A-Za-z]:\\|file:")
_FILE = re.compile(r"[A-Za-z0-9_./ -]+\.(?:token|txt|json|jwt|key)")


def check_credential(credential: str, now: datetime | None = None) -> None:
    """Refuses one that is empty, a path, or over, before anything is sent. Nothing of it is repeated.

    :raises ProblemError: ``unauthenticated``, without a status
    """
    fault = _fault_of(credential.strip(), datetime.now(timezone.utc) if now is None else now)
    if fault is not None:
        raise ProblemError("unauthenticated", fault)


def _fault_of(text: str, now: datetime) -> str | None:
    if text == "":
        return "the credential is missing: is the variable set that it comes from? Without one, leave it out"
    if len(text) <= 250 and (_PATH.match(text) or _FILE.fullmatch(text)):
        return "the credential is a path: give what the file holds, such as data/default.token"
    end = _end_of(text)
    if end is None or end + _CLOCK_SKEW >= now:
        return None
    since = f"the credential has expired, at {end:%Y-%m-%dT%H:%M:%SZ}"
    if "." in text:
        return f"{since}: log in again"
    return f"{since}: a new one comes from bakehouse platforms credential, or bakehouse bootstrap --reissue"


def _end_of(text: str) -> datetime | None:
    """The instant at which a macaroon or an ID token says that it ends."""
    if "." in text:
        return _end_of_id_token(text)
    try:
        _, macaroons = decode_bundle(text)
    except TokenError:
        return None
    expiry = expiry_of(macaroons[:1])
    return None if expiry is None else expiry.to_datetime()


def _end_of_id_token(text: str) -> datetime | None:
    payload = text.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        end = claims["exp"]
        return datetime.fromtimestamp(end, timezone.utc) if type(end) in (int, float) else None
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
