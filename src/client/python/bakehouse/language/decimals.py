"""Decimals, exactly. Source: ``src/caveats/values/decimal.ts``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_DIGITS = 40
"""Digits in plain notation, before and after the point together."""
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")


@dataclass(frozen=True)
class Decimal:
    """A decimal number. Each value has one representation."""

    text: str
    """Plain notation: no exponent, no needless zero, ``0`` for zero of either sign."""

    @property
    def is_negative(self) -> bool:
        return self.text.startswith("-")


def read_decimal(text: str) -> Decimal | None:
    """Reads a number in JSON's grammar (RFC 8259 section 6) of at most 40 digits; None for any other text."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, integer, fraction, exponent_sign, exponent = match.groups(default="")
    digits = (integer + fraction).strip("0")
    if digits == "":
        return Decimal("0")
    # The place of the decimal point, counted from the first digit that is kept.
    leading = len(integer + fraction) - len((integer + fraction).lstrip("0"))
    power = exponent.lstrip("0")
    if len(power) > 12:
        return None
    point = len(integer) - leading + (-1 if exponent_sign == "-" else 1) * int(power or "0")
    whole = max(point, 0)
    part = max(len(digits) - point, 0)
    if whole + part > _MOST_DIGITS:
        return None
    before = digits[:whole].ljust(whole, "0") or "0"
    after = digits[whole:].rjust(part, "0")
    return Decimal(sign + before + (f".{after}" if after else ""))


def is_number(text: str) -> bool:
    """Whether a text is written as a number, of any length."""
    return _NUMBER.fullmatch(text) is not None
