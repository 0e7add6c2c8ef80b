"""Reads caveats. Source: ``src/caveats/parse.ts`` and ``service.ts``; the grammar is in ``src/caveats/README.md``."""

from __future__ import annotations

import re
from typing import Literal, cast

from ..words import AGENT, APPROVAL_ID, CLIENT_ID, DISCHARGE_ID, REVOCATION_ID, SERVICE_NAMES, THUMBPRINT, UNIT
from .blocks import Block, parse_block
from .caveat import (
    Agent,
    Ancestor,
    Approval,
    AttributeCaveat,
    Audience,
    Caveat,
    Client,
    Comparison,
    Conditional,
    Depth,
    DischargeId,
    Equality,
    Glob,
    Holder,
    Membership,
    Network,
    Order,
    Rate,
    RateWindow,
    ServiceCaveat,
    Spend,
    Time,
    Uses,
)
from .characters import has_edge_space, is_clean
from .decimals import is_number, read_decimal
from .instants import parse_instant
from .lists import parse_list, read_words

_NAME = "[A-Za-z_][A-Za-z0-9_-]*"
ATTRIBUTE = re.compile(rf"{_NAME}(?:\.{_NAME})*")
# Each with the space after it, so that a missing space is no operator.
_OPERATOR = re.compile(r"(=|!=|<=|<|>=|>|in|not in|matches|within) ")
# The condition that macaroon-bakery's libraries add; here it is another spelling of `time <`.
_TIME_BEFORE = "time-before"
_WHEN = "when"
_THEN = " then "
_COUNT = re.compile("0|[1-9][0-9]{0,8}")
_CALLS = re.compile("0|[1-9][0-9]{0,14}")
_RATE = re.compile("(0|[1-9][0-9]{0,14})/([smhd])")


def parse_caveat(text: str) -> Caveat | None:
    """Reads a caveat; None for a text that is not exactly a sentence of the grammar. Nothing is guessed."""
    return _parse_clean(text, True) if is_clean(text) else None


def _parse_clean(text: str, may_branch: bool) -> Caveat | None:
    attribute, space, rest = text.partition(" ")
    if not space or ATTRIBUTE.fullmatch(attribute) is None:
        return None
    if attribute == _TIME_BEFORE:
        return _time("<", rest)
    match = _OPERATOR.match(rest)
    if match is None:
        # A text with an operator behind `when` is a test of an attribute of that name, or nothing.
        return _conditional(rest) if may_branch and attribute == _WHEN else None
    operator, value = match.group(1), rest[match.end() :]
    if value == "" or has_edge_space(value):
        return None
    if attribute.partition(".")[0] in SERVICE_NAMES:
        return _service_caveat(attribute, operator, value)
    return _attribute_caveat(attribute, operator, value)


def parse_caveat_bytes(data: bytes) -> Caveat | None:
    """Reads a caveat as it stands in a macaroon; bytes that are not UTF-8 are no caveat."""
    try:
        return parse_caveat(data.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def _conditional(text: str) -> Conditional | None:
    """Reads what stands behind ``when``."""
    attribute, _, rest = text.partition(" ")
    if ATTRIBUTE.fullmatch(attribute) is None or attribute == _TIME_BEFORE:
        return None
    match = _OPERATOR.match(rest)
    operator = None if match is None else match.group(1)
    if match is None or attribute.partition(".")[0] in SERVICE_NAMES or operator not in ("=", "in"):
        return None
    read = read_words(rest, match.end(), operator == "in")
    if read is None or not rest.startswith(_THEN, read[1]):
        return None
    values, end = read
    test = _parse_clean(rest[end + len(_THEN) :], False)
    if not isinstance(test, AttributeCaveat):
        return None
    return Conditional(attribute, cast(Literal["=", "in"], operator), values, test)


def _attribute_caveat(attribute: str, operator: str, value: str) -> AttributeCaveat | None:
    if operator in ("=", "!="):
        return Equality(attribute, operator, value)
    if operator in ("in", "not in"):
        items = parse_list(value)
        return Membership(attribute, operator, items) if items else None
    if operator == "matches":
        return Glob(attribute, value)
    if operator == "within":
        blocks = _blocks(value)
        return Network(attribute, blocks) if blocks else None
    bound = read_decimal(value) if is_number(value) else parse_instant(value)
    return None if bound is None else Order(attribute, cast(Comparison, operator), bound)


def _blocks(value: str) -> tuple[Block, ...] | None:
    blocks: list[Block] = []
    for item in parse_list(value) or ():
        block = parse_block(item)
        if block is None:
            return None
        blocks.append(block)
    return tuple(blocks) or None


def _time(operator: Literal["<", ">"], value: str) -> Time | None:
    at = parse_instant(value)
    return None if at is None else Time(operator, at)


def _service_caveat(attribute: str, operator: str, value: str) -> ServiceCaveat | None:
    """A form that the service does not know is no caveat: another operator, or a longer path."""
    if attribute == "time" and operator in ("<", ">"):
        return _time(operator, value)
    if attribute == "aud":
        return _audience(operator, value)
    if operator == "=":
        return _naming_caveat(attribute, value)
    if operator != "<=":
        return None
    if attribute == "depth":
        return Depth(int(value)) if _COUNT.fullmatch(value) else None
    if attribute == "uses":
        return Uses(int(value)) if _CALLS.fullmatch(value) else None
    if attribute == "rate":
        rate = _RATE.fullmatch(value)
        return None if rate is None else Rate(int(rate.group(1)), cast(RateWindow, rate.group(2)))
    if attribute.startswith("spend."):
        unit = attribute.removeprefix("spend.")
        most = read_decimal(value) if UNIT.fullmatch(unit) else None
        return None if most is None or most.is_negative else Spend(unit, most)
    return None


def _audience(operator: str, value: str) -> Audience | None:
    if operator == "=":
        return Audience("=", (value,))
    resources = parse_list(value) if operator == "in" else None
    return Audience("in", resources) if resources else None


def _naming_caveat(attribute: str, value: str) -> ServiceCaveat | None:
    if attribute == "agent":
        agent = AGENT.fullmatch(value)
        return None if agent is None else Agent(agent.group(1), agent.group(2))
    if attribute == "holder" and THUMBPRINT.fullmatch(value):
        return Holder(value)
    if attribute == "client" and CLIENT_ID.fullmatch(value):
        return Client(value)
    if attribute == "ancestor" and REVOCATION_ID.fullmatch(value):
        return Ancestor(value)
    if attribute == "approval" and APPROVAL_ID.fullmatch(value):
        return Approval(value)
    if attribute == "bh.discharge" and DISCHARGE_ID.fullmatch(value):
        return DischargeId(value)
    return None
