"""Characters that may stand in a caveat, and how texts are shown. Source: ``src/caveats/values``."""

from __future__ import annotations

import re
import unicodedata

# White space and line ends as ECMAScript has them: Python's own set is another one.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_MARKS = 30
# Characters that are shown as nothing, besides those of the categories C and Z (Default_Ignorable_Code_Point).
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SHOWN_CAVEAT = 256
_QUOTED = 80


def trim(text: str) -> str:
    """The text without white space of any script at its edges."""
    return text.strip(_SPACE)


def has_edge_space(text: str) -> bool:
    """Whether a text begins or ends with white space of any script."""
    return trim(text) != text


def is_clean(text: str) -> bool:
    """Whether a text may stand in a caveat: no control characters, no lone surrogates, at most 30 marks in a row."""
    if _UNCLEAN.search(text):
        return False
    if text.isascii():
        return True
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        if marks > _MOST_MARKS:
            return False
    return True


def shown(text: str) -> str:
    """A text as it may be shown: unsafe characters as ``\\u{…}``, cut after 256."""
    cut = text[:_SHOWN_CAVEAT]
    return "".join(map(_escaped, cut)) + ("…" if len(cut) < len(text) else "")


def quote(text: str) -> str:
    """A text in quotes, with everything escaped that could deceive a reader, cut after 80."""
    cut = text[:_QUOTED]
    escaped = "".join(f"\\{character}" if character in '"\\' else _escaped(character) for character in cut)
    return f'"{escaped}"' + ("…" if len(cut) < len(text) else "")


def shown_bytes(data: bytes) -> str:
    """Bytes that are not UTF-8, with everything but printable ASCII as ``\\xNN``; cut as :func:`shown` cuts."""
    return shown("".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data[: _SHOWN_CAVEAT + 1]))


def _escaped(character: str) -> str:
    if character == " ":
        return character
    is_unsafe = unicodedata.category(character)[0] in "CZ" or _IGNORABLE.match(character)
    return f"\\u{{{ord(character):x}}}" if is_unsafe else character
