"""Reads answers as the types that they have to be. Source: ``src/client/read.ts``.

Members that nobody asks for are dropped: a service may be newer than this library.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import ConnectionFailure
from .jsontext import JsonError, JsonNumber, JsonValue, number_value, parse_json
from .language.instants import parse_instant

T = TypeVar("T")


def read_answer(kind: type[T], body: str) -> T:
    """Reads a body as a dataclass of :mod:`bakehouse.answers`.

    :raises ConnectionFailure: ``bad_answer``, which names the place and never the value
    """
    return read_value(kind, answer_json(body), "")


def answer_json(body: str) -> JsonValue:
    """The JSON of an answer. :raises ConnectionFailure: ``bad_answer``"""
    try:
        return parse_json(body)
    except JsonError:
        pass
    raise ConnectionFailure("bad_answer", "the answer's body is not JSON")


def read_value(kind: type[T], value: JsonValue, place: str) -> T:
    """Reads a part of an answer. :raises ConnectionFailure: ``bad_answer``"""
    read: T = _read(kind, value, place)
    return read


def _read(kind: Any, value: JsonValue, place: str) -> Any:
    if is_dataclass(kind):
        return _members(kind, value, place)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        # The only unions of answers are with None.
        return None if value is None else _read(get_args(kind)[0], value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise _bad(place, "a list")
        return tuple(_read(get_args(kind)[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    if origin is Literal:
        if value is not get_args(kind)[0]:
            raise _bad(place, str(get_args(kind)[0]).lower())
        return value
    return _scalar(kind, value, place)


def _scalar(kind: Any, value: JsonValue, place: str) -> Any:
    is_number = isinstance(value, JsonNumber)
    if kind is str and isinstance(value, str) and not is_number:
        return str(value)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, JsonNumber) and value.lstrip("-").isdecimal():
        return number_value(value)
    if kind is datetime and isinstance(value, str) and not is_number:
        instant = parse_instant(value)
        if instant is not None:
            return instant.to_datetime()
    if get_origin(kind) is dict and isinstance(value, dict):
        return plain(value)
    raise _bad(place, _NAMES.get(kind, "an object"))


_NAMES: dict[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", datetime: "an instant"}


def plain(value: JsonValue) -> Any:
    """A value with its numbers as Python has them."""
    if isinstance(value, JsonNumber):
        return number_value(value)
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _members(kind: Any, value: JsonValue, place: str) -> Any:
    if not isinstance(value, dict):
        raise _bad(place, "an object")
    given: dict[str, Any] = {}
    hints = _hints(kind)
    for field in fields(kind):
        at = field.name if place == "" else f"{place}.{field.name}"
        if field.name in value:
            given[field.name] = _read(hints[field.name], value[field.name], at)
        elif field.default is MISSING:
            raise _bad(at, "there")
    return kind(**given)


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _bad(place: str, expected: str) -> ConnectionFailure:
    return ConnectionFailure("bad_answer", f"the answer's {place or 'body'} is not {expected}")
