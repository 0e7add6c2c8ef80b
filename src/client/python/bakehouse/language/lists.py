"""Comma-separated lists. Source: ``src/caveats/values/list.ts``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .characters import has_edge_space, is_clean


def parse_list(text: str) -> tuple[str, ...] | None:
    """Reads a list; None if it is malformed. An item that begins with a quote is a JSON string; no item is empty."""
    items: list[str] = []
    at = 0
    while True:
        quoted = text.startswith('"', at)
        end = _quoted_end(text, at) if quoted else _plain_end(text, at)
        item = _unquoted(text[at:end]) if quoted else _plain(text[at:end])
        if item is None:
            return None
        items.append(item)
        if end == len(text):
            return tuple(items)
        if text[end] != ",":
            return None
        at = end + 1
        while text.startswith(" ", at):
            at += 1


def print_list(items: Iterable[str]) -> str:
    """Prints a list that :func:`parse_list` reads back, with quotes only if they are needed."""
    return ", ".join(map(_printed, items))


def read_words(text: str, start: int, several: bool) -> tuple[tuple[str, ...], int] | None:
    """Reads one value from a position on, or several with commas between them, and the position behind the last.

    A value that is no JSON string ends at the first space, and without ``several`` no comma ends it. None if one is
    malformed.
    """
    values: list[str] = []
    at = start
    while True:
        quoted = text.startswith('"', at)
        end = _quoted_end(text, at) if quoted else _word_end(text, at, several)
        value = _unquoted(text[at:end]) if quoted else _plain(text[at:end])
        if value is None:
            return None
        values.append(value)
        if not several or not text.startswith(",", end):
            return tuple(values), end
        at = end + 1
        while text.startswith(" ", at):
            at += 1


def print_word(value: str, several: bool) -> str:
    """Prints a value that :func:`read_words` reads back."""
    needs_quotes = " " in value or value.startswith('"') or has_edge_space(value) or (several and "," in value)
    return json.dumps(value, ensure_ascii=False) if needs_quotes else value


def _printed(item: str) -> str:
    needs_quotes = "," in item or item.startswith('"') or has_edge_space(item)
    return json.dumps(item, ensure_ascii=False) if needs_quotes else item


def _plain(text: str) -> str | None:
    return None if text == "" or has_edge_space(text) else text


def _plain_end(text: str, start: int) -> int:
    comma = text.find(",", start)
    return len(text) if comma < 0 else comma


def _word_end(text: str, start: int, several: bool) -> int:
    ends = (text.find(end, start) for end in (" ," if several else " "))
    return min((end for end in ends if end >= 0), default=len(text))


def _quoted_end(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            return at + 1
        at += 1
    return len(text)


def _unquoted(text: str) -> str | None:
    try:
        item = json.loads(text)
    except ValueError:
        return None
    # An escape must not smuggle in a character that may not be written outright.
    return item if isinstance(item, str) and item != "" and is_clean(item) else None
