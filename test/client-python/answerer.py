"""Answers questions about the Python library: one JSON line in, one JSON line out. Fed by the tests beside this file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import bakehouse
from bakehouse import caveats
from bakehouse.codec import decode_bundle
from bakehouse.codec.base64 import decode_base64
from bakehouse.language.characters import shown, shown_bytes
from bakehouse.language.parse import parse_caveat

Question = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def decoded(question: Question) -> object:
    format, macaroons = decode_bundle(question["token"])
    return {
        "format": format,
        "macaroons": [
            {
                "location": macaroon.location,
                "identifier": macaroon.identifier.hex(),
                "signature": macaroon.signature.hex(),
                "caveats": [
                    {
                        "id": caveat.id.hex(),
                        "vid": None if caveat.verification_id is None else caveat.verification_id.hex(),
                        "location": caveat.location,
                    }
                    for caveat in macaroon.caveats
                ],
            }
            for macaroon in macaroons
        ],
    }


def binary(question: Question) -> object:
    return bakehouse.Token.parse(decode_base64(question["token"])).encode()


def spelled(question: Question) -> object:
    return bakehouse.Token.parse(question["token"]).encode(question["format"])


def narrowed(question: Question) -> object:
    token = bakehouse.Token.parse(question["token"]).attenuate(*question["caveats"])
    return {"token": token.encode(), "revocation_id": token.revocation_id}


def bundled(question: Question) -> object:
    token = bakehouse.Token.parse(question["token"]).with_discharges(*question["discharges"])
    return {"token": token.encode(), "undischarged": [missing.ticket.hex() for missing in token.undischarged()]}


def inspected(question: Question) -> object:
    now = datetime.fromtimestamp(question["now"] / 1000, timezone.utc)
    seen = bakehouse.Token.parse(question["token"]).inspect(now)
    return {
        "format": seen.format,
        "location": seen.location,
        "agents": seen.agents,
        "isExpired": seen.is_expired,
        "expiresAt": None if seen.expires_at is None else milliseconds(seen.expires_at),
        "revocationId": seen.revocation_id,
        "size": seen.size,
        "caveats": [[caveat.text, caveat.kind, caveat.agent, caveat.ticket] for caveat in seen.caveats],
        "placed": [caveat.placed for caveat in seen.caveats],
        "discharges": [[one.ticket, one.caveats, one.revocation_id] for one in seen.discharges],
        "identifier": seen.identifier
        and [
            seen.identifier.key_id,
            seen.identifier.token_id,
            seen.identifier.principal_id,
            seen.identifier.issued_caveats,
            milliseconds(seen.identifier.issued_at),
        ],
    }


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def parsed(question: Question) -> object:
    caveat = parse_caveat(question["text"])
    return None if caveat is None else str(caveat)


def built(question: Question) -> object:
    builder: Callable[..., str] = caveats.allow if question["name"].startswith("allow.") else caveats  # type: ignore
    return getattr(builder, question["name"].removeprefix("allow."))(*map(value, question["args"]))


def value(argument: Any) -> Any:
    """`{"instant": MILLISECONDS}` and `{"decimal": TEXT}` say what JSON can't."""
    if not isinstance(argument, dict):
        return argument
    if "decimal" in argument:
        return Decimal(argument["decimal"])
    return datetime.fromtimestamp(argument["instant"] / 1000, timezone.utc)


def words(_: Question) -> object:
    return {"problems": bakehouse.PROBLEM_CODES, "refusals": bakehouse.REFUSAL_CODES, "version": bakehouse.__version__}


ANSWERS: dict[str, Callable[[Question], object]] = {
    "decode": decoded,
    "binary": binary,
    "encode": spelled,
    "attenuate": narrowed,
    "bundle": bundled,
    "inspect": inspected,
    "parse": parsed,
    "build": built,
    "words": words,
    "this-call": lambda question: bakehouse.for_this_call(question["args"], question["tool"]),
    "shown": lambda question: shown(question["text"]),
    "shown-bytes": lambda question: shown_bytes(bytes.fromhex(question["hex"])),
}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer: object = {"answer": ANSWERS[asked["do"]](asked)}
    except bakehouse.TokenError as error:
        answer = {"code": error.code, "detail": str(error)}
    print(json.dumps(answer))
