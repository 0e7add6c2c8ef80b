"""Builders of caveats. Each gives the canonical text, or refuses what the service would call ``caveat_unknown``.

Source: ``src/client/caveats.ts``; the language is described in ``src/caveats/README.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Literal

from .errors import TokenError
from .jsontext import number_text
from .language.caveat import (
    Agent,
    AttributeCaveat,
    Caveat,
    Client,
    Comparison,
    Conditional,
    Depth,
    DischargeCaveat,
    Equality,
    Glob,
    Holder,
    Membership,
    Network,
    Order,
    Rate,
    RateWindow,
    Spend,
    Time,
    Uses,
)
from .language.characters import quote, trim
from .language.decimals import read_decimal
from .language.fault import attribute_fault, caveat_fault, name_fault
from .language.instants import instant_of
from .language.lists import print_list, print_word
from .language.parse import parse_caveat
from .words import AGENT

Number = int | float | Decimal
CaveatValue = str | int | float | Decimal | bool
"""A value that a caveat can compare with."""
Moment = datetime | str
"""An instant: a datetime with a time zone, or RFC 3339 text."""


def checked_caveat(text: str) -> str:
    """The caveat as it is written, if it is one that a verifier can clear in a token.

    A caveat that nobody can read forbids everything, so it is refused here, while its writer can still mend it.

    :raises TokenError: ``invalid_caveat``
    """
    caveat = parse_caveat(text)
    if caveat is None:
        raise _invalid(text)
    if isinstance(caveat, DischargeCaveat):
        name = text.partition(" ")[0]
        raise TokenError("invalid_caveat", f"{quote(text)}: {name} goes into discharges only: leave it out", text)
    if isinstance(caveat, Client):
        why = "client is written by the service alone: leave it out"
        raise TokenError("invalid_caveat", f"{quote(text)}: {why}", text)
    return text


def equals(attribute: str, value: CaveatValue) -> str:
    """``attribute = value``.

    :raises TokenError: ``invalid_caveat`` for a name or value that the language cannot say
    """
    return _equality(attribute, "=", value)


def not_equals(attribute: str, value: CaveatValue) -> str:
    """``attribute != value``; a missing attribute fails too."""
    return _equality(attribute, "!=", value)


def one_of(attribute: str, *values: CaveatValue) -> str:
    """``attribute in a, b, …``: one of these."""
    return _membership(attribute, "in", [_value_text(value) for value in values])


def none_of(attribute: str, *values: CaveatValue) -> str:
    """``attribute not in a, b, …``: none of these; a missing attribute fails too."""
    return _membership(attribute, "not in", [_value_text(value) for value in values])


def less_than(attribute: str, bound: Number | Moment) -> str:
    """``attribute < bound``: a number, compared as an exact decimal, or an instant."""
    return _comparison(attribute, "<", bound)


def at_most(attribute: str, bound: Number | Moment) -> str:
    """``attribute <= bound``."""
    return _comparison(attribute, "<=", bound)


def greater_than(attribute: str, bound: Number | Moment) -> str:
    """``attribute > bound``."""
    return _comparison(attribute, ">", bound)


def at_least(attribute: str, bound: Number | Moment) -> str:
    """``attribute >= bound``."""
    return _comparison(attribute, ">=", bound)


def matches(attribute: str, pattern: str) -> str:
    """``attribute matches pattern``: ``*`` within a ``/``-segment, ``**`` across segments."""
    return _built(
        f"{attribute} matches {pattern}",
        lambda caveat: isinstance(caveat, Glob) and caveat.pattern == pattern,
        attribute,
    )


def within(attribute: str, *blocks: str) -> str:
    """``attribute within block, …``: IPv4 and IPv6 in CIDR notation, or single addresses."""
    return _built(
        f"{attribute} within {print_list(blocks)}",
        lambda caveat: isinstance(caveat, Network) and len(caveat.blocks) == len(blocks),
        attribute,
    )


def when(attribute: str, value: CaveatValue | Sequence[CaveatValue], limit: str) -> str:
    """``when attribute = value then limit``: a limit of those calls alone, any other passes.

    A call that does not state the attribute has to keep to the limit, too:
    ``when("tool", "pay", at_most("args.amount", 40))``.

    :param value: one value, or a list of them for ``when attribute in a, b then limit``
    :param limit: a caveat on an attribute of the call, from a builder or written by hand
    :raises TokenError: ``invalid_caveat``, also where either part is on an attribute of the service
    """
    test = parse_caveat(limit)
    if test is None:
        raise _invalid(limit)
    items: Sequence[CaveatValue] = [value] if isinstance(value, str | int | float | Decimal) else value
    several = items is value
    values = tuple(map(_value_text, items))
    printed = ", ".join(print_word(text, several) for text in values)
    return _built(
        f"when {attribute} {'in' if several else '='} {printed} then {limit}",
        lambda caveat: isinstance(caveat, Conditional) and caveat.values == values and caveat.test == test,
        attribute,
    )


def expires_at(at: Moment) -> str:
    """``time < instant``: the token ends then, by the service's clock."""
    return _built(f"time < {_moment_text(at)}", lambda caveat: isinstance(caveat, Time))


def expires_in(seconds: float, *, now: datetime | None = None) -> str:
    """``time < now + seconds``. ``now`` is this machine's clock unless said."""
    given: object = seconds
    if not isinstance(given, (int, float)):
        raise TypeError(f"a life is a number of seconds, such as 900, not {type(given).__name__}")
    begin = datetime.now(timezone.utc) if now is None else now
    end = None
    try:
        end = begin + timedelta(seconds=seconds) if seconds > 0 else None
    except (OverflowError, ValueError):
        pass
    if end is None:
        raise TokenError("invalid_caveat", "a life must be a number of seconds above 0")
    # Whole milliseconds, as the service's clock has them: a shorter text for the same life.
    return expires_at(end.replace(microsecond=end.microsecond // 1000 * 1000))


def starts_at(at: Moment) -> str:
    """``time > instant``: the token is good only after that."""
    return _built(f"time > {_moment_text(at)}", lambda caveat: isinstance(caveat, Time))


def agent(name: str, instance: str | None = None) -> str:
    """``agent = name#instance``: names the next holder. :meth:`bakehouse.Token.delegate` does it with an instance."""
    for part in (name, "x" if instance is None else instance):
        if "#" in part or AGENT.fullmatch(part) is None:
            raise TokenError("invalid_caveat", name_fault(part))
    text = name if instance is None else f"{name}#{instance}"
    return _built(f"agent = {text}", lambda caveat: caveat == Agent(name, instance))


def depth(most: int) -> str:
    """``depth <= most``: at most so many further ``agent`` caveats."""
    return _built(f"depth <= {_count(most)}", lambda caveat: caveat == Depth(most))


def uses(most: int) -> str:
    """``uses <= most``: so many allowed calls with this token and all that is narrowed from it, together."""
    return _built(f"uses <= {_count(most)}", lambda caveat: caveat == Uses(most))


def spend(unit: str, most: Number | str) -> str:
    """``spend.UNIT <= most``: the cost of allowed calls with this token and all that is narrowed from it, together.

    :param most: a number of at most 40 digits, or its text
    """
    text = most if isinstance(most, str) else _number_text(most)
    return _built(f"spend.{unit} <= {text}", lambda caveat: isinstance(caveat, Spend) and caveat.unit == unit)


def rate(most: int, window: RateWindow) -> str:
    """``rate <= most/window``: so many allowed calls in any second, minute, hour or day (``s``, ``m``, ``h``, ``d``)."""
    return _built(f"rate <= {_count(most)}/{window}", lambda caveat: caveat == Rate(most, window))


def holder(thumbprint: str) -> str:
    """``holder = thumbprint``: a key that must vouch for each call, by its thumbprint (RFC 7638)."""
    return _built(f"holder = {thumbprint}", lambda caveat: caveat == Holder(thumbprint))


class allow:
    """Builders for the attributes that most platforms use."""

    @staticmethod
    def action(*actions: str) -> str:
        """``action = read``, or ``action in read, list``."""
        return _one_or_more("action", actions)

    @staticmethod
    def tool(*tools: str) -> str:
        """The same for ``tool``."""
        return _one_or_more("tool", tools)

    @staticmethod
    def resource(pattern: str) -> str:
        """``resource matches pattern``."""
        return matches("resource", pattern)

    @staticmethod
    def ip(*blocks: str) -> str:
        """``ip within block, …``."""
        return within("ip", *blocks)


def _one_or_more(attribute: str, values: tuple[str, ...]) -> str:
    return equals(attribute, values[0]) if len(values) == 1 else one_of(attribute, *values)


def _equality(attribute: str, operator: Literal["=", "!="], value: CaveatValue) -> str:
    text = _value_text(value)
    # Only a list can say a value with white space at its edges, by quotes.
    if text != trim(text):
        return _membership(attribute, "in" if operator == "=" else "not in", [text])
    meant = Equality(attribute, operator, text)
    return _built(f"{attribute} {operator} {text}", lambda caveat: caveat == meant, attribute)


def _membership(attribute: str, operator: Literal["in", "not in"], items: list[str]) -> str:
    meant = Membership(attribute, operator, tuple(items))
    return _built(f"{attribute} {operator} {print_list(items)}", lambda caveat: caveat == meant, attribute)


def _comparison(attribute: str, operator: Comparison, bound: Number | Moment) -> str:
    text = _moment_text(bound) if isinstance(bound, (str, datetime)) else _number_text(bound)
    return _built(
        f"{attribute} {operator} {text}",
        lambda caveat: isinstance(caveat, Order) and caveat.operator == operator,
        attribute,
    )


def _built(text: str, is_meant: Callable[[Caveat], bool], attribute: str | None = None) -> str:
    """The canonical text, if it reads as it was meant: a value must not turn a caveat into another one."""
    caveat = parse_caveat(text)
    same_name = attribute is None or (
        isinstance(caveat, AttributeCaveat | Conditional) and caveat.attribute == attribute
    )
    if caveat is None or not same_name or not is_meant(caveat):
        fault = None if attribute is None else attribute_fault(attribute)
        if fault is not None:
            raise TokenError("invalid_caveat", fault)
        if caveat is None:
            raise _invalid(text)
        why = "reads as another caveat than was meant: another value, or a builder of its own"
        raise TokenError("invalid_caveat", f"{quote(text)}: {why}", text)
    return str(caveat)


def _invalid(text: str) -> TokenError:
    fault = caveat_fault(text) or "is no caveat"
    # One that is not repeated there is not kept either.
    return TokenError("invalid_caveat", fault, text if fault.startswith('"') else None)


def _value_text(value: CaveatValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else _number_text(value)


def _number_text(value: Number) -> str:
    number = None
    try:
        number = None if isinstance(value, bool) else read_decimal(number_text(value))
    except ValueError:
        pass
    if number is None:
        raise TokenError("invalid_caveat", "a number must be finite and of at most 40 digits")
    return number.text


def _count(most: int) -> str:
    """The digits of a count; anything but an int is no count, and True is none either."""
    return _number_text(most) if type(most) is int else str(most)


def _moment_text(at: Moment) -> str:
    if isinstance(at, str):
        return at
    if at.tzinfo is None or at.utcoffset() is None:
        raise TokenError("invalid_caveat", "an instant must have a time zone: datetime.now(timezone.utc)")
    return instant_of(at).text
