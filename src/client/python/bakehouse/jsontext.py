"""JSON, read strictly and written exactly. Source: ``src/json`` of the repository.

Refused besides bad grammar: an object with two members of one name (two readers would see two different values), lone
surrogates, U+0000, numbers that are none (``NaN``), deep nesting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, cast

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# The most digits of a number in an answer: all of them are counts.
_LONGEST_INTEGER = 20
_DEEPEST_CONTEXT = 64


class JsonError(Exception):
    """A text that was refused. It keeps nothing of the text: only the rule's name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


JsonValue: TypeAlias = dict[str, "JsonValue"] | list["JsonValue"] | str | bool | None
"""Any value as :func:`parse_json` reads it. A number is a :class:`JsonNumber`, which is a str."""


class JsonNumber(str):
    """A number as it was written, so that it loses no digits."""

    __slots__ = ()


def parse_json(text: str, *, max_depth: int = 128, allow_nul: bool = False) -> JsonValue:
    """Reads one JSON text (RFC 8259).

    :param max_depth: most arrays and objects within one another
    :param allow_nul: whether strings may hold U+0000
    :raises JsonError: which holds no part of the text
    """
    code = "syntax"
    try:
        value = cast(JsonValue, _DECODER.decode(text))
    except JsonError as error:
        code = error.code
    except RecursionError:
        code = "too_deep"
    except ValueError:
        pass
    else:
        _check(value, max_depth, allow_nul)
        return value
    # Outside of the handler: the decoder's own error holds the whole text, and an error keeps the one it handled.
    raise JsonError(code)


def number_value(number: JsonNumber) -> int | float:
    """The number as Python has it: an int where it is written as one, else a float."""
    if "." in number or "e" in number.lower():
        return float(number)
    if len(number) > _LONGEST_INTEGER:
        raise JsonError("number_range")
    return int(number)


def encode_json(value: object) -> str:
    """Writes a value: dict, list, tuple, str, bool, None, int, float, Decimal, with every digit of a Decimal.

    :raises TypeError: for anything else, and for a member name that is no str
    :raises ValueError: for a number or text that JSON has no way to say, and for nesting deeper than 64
    """
    return _written(value, 0)


def _pairs(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise JsonError("duplicate_member")
    return members


def _no_constant(_: str) -> object:
    raise JsonError("syntax")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_no_constant
)


def _check(value: JsonValue, depth: int, allow_nul: bool) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise JsonError("lone_surrogate")
        if not allow_nul and "\0" in value:
            raise JsonError("nul")
    elif isinstance(value, (dict, list)):
        if depth == 0:
            raise JsonError("too_deep")
        items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for item in items:
            _check(item, depth - 1, allow_nul)


def _written(value: object, depth: int) -> str:
    if depth > _DEEPEST_CONTEXT:
        raise ValueError("a value is nested deeper than 64")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise ValueError("a text has a lone surrogate")
        # The text itself: a member of an enumeration that is a str would say its name.
        return json.dumps(str.__str__(value), ensure_ascii=False)
    if isinstance(value, (int, float, Decimal)):
        return number_text(value)
    if isinstance(value, Mapping):
        members: list[str] = []
        for name, member in cast(Mapping[object, object], value).items():
            if not isinstance(name, str):
                raise TypeError("a member's name must be a str")
            members.append(f"{_written(name, depth)}:{_written(member, depth + 1)}")
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_written(item, depth + 1) for item in cast(Sequence[object], value)) + "]"
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def number_text(value: int | float | Decimal) -> str:
    """A number as JSON writes it.

    :raises ValueError: for a number that is infinite or none, and for one of some hundred digits
    """
    if isinstance(value, int):
        text = int.__repr__(value) if abs(value) < 10**400 else ""
    else:
        text = float.__repr__(value) if isinstance(value, float) else Decimal.__str__(value)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("a number must be finite and not too long")
    return text
