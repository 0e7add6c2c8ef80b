"""The identifier of a root macaroon made by Bakehouse. Source: ``src/words/identifier.ts``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .words import SHORT_ID, UUID_V7

_COUNT = re.compile("0|[1-9][0-9]{0,2}")
_LONGEST = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Identifier:
    """Its parts are the service's word only once the service has verified the token."""

    key_id: str
    token_id: str
    principal_id: str
    issued_caveats: int
    """How many caveats, from the first, the issuer wrote. Holders wrote all later ones."""
    issued_at: datetime
    """The time in the token id."""


def parse_identifier(data: bytes) -> Identifier | None:
    """Reads ``bh1.KEY.TOKEN.PRINCIPAL.COUNT``; None for any other macaroon's."""
    parts = data.decode("latin-1").split(".") if len(data) <= _LONGEST else []
    if len(parts) != 5 or parts[0] != "bh1":
        return None
    _, key_id, token_id, principal_id, count = parts
    if not (SHORT_ID.fullmatch(key_id) and UUID_V7.fullmatch(token_id) and SHORT_ID.fullmatch(principal_id)):
        return None
    if _COUNT.fullmatch(count) is None:
        return None
    issued_at = _EPOCH + timedelta(milliseconds=int(token_id[:8] + token_id[9:13], 16))
    return Identifier(key_id, token_id, principal_id, int(count), issued_at)
