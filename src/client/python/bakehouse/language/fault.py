"""Says why a text is no caveat, and its likely cure. Source: ``src/caveats/fault.ts``."""

from __future__ import annotations

import re

from ..words import SERVICE_NAMES
from .blocks import parse_block
from .characters import is_clean, quote, shown, trim
from .lists import print_word
from .parse import ATTRIBUTE, parse_caveat

_FORM = "a caveat is an attribute, an operator and a value, such as action = read"
_WHEN_FORM = "a limit on some calls alone is when tool = pay then args.amount <= 40, for example"
_INSTANT = "2026-12-01T00:00:00Z"
_NAME_RULE = "a name is 1 to 128 letters, digits and . _ : / @ -, with #INSTANCE behind it or not"
_ATTRIBUTE_RULE = (
    "an attribute is names with dots between them, each a letter or _ and then letters, digits, _ or -, "
    "such as args.amount"
)
# As long as this only secrets are: such a text must not be repeated.
_TOKEN_LIKE = re.compile(r"[A-Za-z0-9_+/=.-]{100}")
# Operators as people write them, in the order in which they are looked for.
_SIGNS = {
    "==": "=",
    "=<": "<=",
    "=>": ">=",
    "<=": "<=",
    ">=": ">=",
    "!=": "!=",
    "<>": "!=",
    "=": "=",
    "<": "<",
    ">": ">",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
_WORDS = {
    "not in": "not in",
    "is not": "!=",
    "is one of": "in",
    "is in": "in",
    "one of": "in",
    "less than": "<",
    "more than": ">",
    "at most": "<=",
    "at least": ">=",
    "up to": "<=",
    "below": "<",
    "under": "<",
    "before": "<",
    "above": ">",
    "over": ">",
    "after": ">",
    "is": "=",
    "equals": "=",
    "in": "in",
    "like": "matches",
    "matches": "matches",
    "within": "within",
}
_SIGNED = re.compile(rf"([^ =<>!≤≥≠]+) *({'|'.join(_SIGNS)}) *(.*)", re.S)
_WORDED = re.compile(rf"([^ =<>!≤≥≠]+) +({'|'.join(_WORDS)})(?: +(.*))?", re.A | re.I | re.S)
_SHOWN = 80
_TURNED = re.compile(r"(.*?) (?:when|if) (.*)", re.S)
_WORD = re.compile("[^ =<>!≤≥≠]*")
_RATE = re.compile(r"([0-9]+) *(?:/|per) *(s|m|h|d)(?:ec|econd|in|inute|our|ay)?s?")
_NUMBER = re.compile(r"[$€£+]? *(-?[0-9][0-9_']*(?:\.[0-9]+)?) *[A-Za-z%€$£]*")


def caveat_fault(text: str) -> str | None:
    """The text, the rule that it breaks, and its likely cure; None for a caveat. A text like a token is not repeated."""
    if parse_caveat(text) is not None:
        return None
    if _TOKEN_LIKE.search(text):
        return f"that looks like a token and not like a caveat: {_FORM}"
    # A word alone may be any secret that went into the wrong place.
    if re.fullmatch("[^ =<>!≤≥≠]+", text):
        return f"that is one word: {_FORM}"
    return f"{quote(text)}: {_rule_of(text)}"


def name_fault(text: str) -> str:
    """Says why a text is no name of an agent."""
    if _TOKEN_LIKE.search(text):
        return f"that looks like a token and not like a name: {_NAME_RULE}"
    is_caveat = parse_caveat(text) is not None or _read_loosely(trim(text)) is not None
    return f"{quote(text)} is no name: {'it reads like a caveat, did you forget the name?' if is_caveat else _NAME_RULE}"


def attribute_fault(text: str) -> str | None:
    """Says why a text is no attribute; None for one."""
    if ATTRIBUTE.fullmatch(text):
        return None
    if _TOKEN_LIKE.search(text):
        return f"that looks like a token and not like an attribute: {_FORM}"
    return f"{quote(text)} is no attribute: {_ATTRIBUTE_RULE}"


def _rule_of(text: str) -> str:
    if not is_clean(text):
        return "no control characters and no more than 30 marks on a letter: take them out"
    trimmed = trim(text)
    first, *words = trimmed.split(" ")
    if first == "time-before":
        return _instant_rule("time", "<", " ".join(words))
    read = _read_loosely(trimmed)
    if read is None:
        second = next((word for word in words if word != ""), None)
        if first in ("when", "if"):
            return _when_rule(first, trim(trimmed[len(first) :]))
        if second is None:
            return _FORM
        return f"{quote(second)} is no operator: those are = != < <= > >= in, not in, matches and within"
    attribute, spelled, operator, value = read
    if _reads(f"{attribute} {operator} {value}"):
        if spelled != operator:
            why = f"the operator is {operator}"
        elif text != trimmed and _reads(trimmed):
            why = "no space at its ends"
        else:
            why = f"one space on each side of {operator}"
        return why + _cure(f"{attribute} {operator} {value}")
    if ATTRIBUTE.fullmatch(attribute) is None:
        return _ATTRIBUTE_RULE
    turned = _turned_round(attribute, operator, value)
    if turned is not None:
        return turned
    if value == "":
        return f"a value stands behind {operator}, such as action = read"
    name = attribute.partition(".")[0]
    if name in SERVICE_NAMES:
        return _service_rule(attribute, name, operator, value)
    return _value_rule(attribute, operator, value)


def _when_rule(first: str, text: str) -> str:
    """The rule that a text breaks which begins with ``when`` or ``if``, that word."""
    before, then, behind = text.partition(" then ")
    limit = trim(behind)
    guard = _read_loosely(trim(before)) if then else None
    if guard is None:
        return _WHEN_FORM
    attribute, _, operator, value = guard
    if ATTRIBUTE.fullmatch(attribute) is None:
        return _ATTRIBUTE_RULE
    if operator not in ("=", "in"):
        return f"behind when stands = or in: {_WHEN_FORM}"
    service = next(filter(None, map(_service_name_of, (attribute, limit))), None)
    if service is not None:
        return f"{service} belongs to the service, and stands in no part of when … then …"
    if limit.startswith(("when ", "if ")):
        return f"one when and one then: {_WHEN_FORM}"
    if not _reads(limit):
        return f"behind then, {_rule_of(limit)}"
    several = operator == "in"
    values = [trim(item) for item in (value.split(",") if several else [value])]
    printed = ", ".join(item if item.startswith('"') else print_word(item, several) for item in values)
    meant = f"when {attribute} {operator} {printed} then {limit}"
    if not _reads(meant):
        return f"a value that is empty or has a space is a JSON string: {_WHEN_FORM}"
    if first != "when":
        return f"it begins with when{_cure(meant)}"
    spaced = any(" " in item and not item.startswith('"') for item in values)
    return ("a value with a space is a JSON string" if spaced else "one space between its parts") + _cure(meant)


def _service_name_of(text: str) -> str | None:
    """The name that begins a text, if it belongs to the service."""
    name = _WORD.match(text)[0].partition(".")[0]  # type: ignore[index]
    return name if name in SERVICE_NAMES or name == "time-before" else None


def _turned_round(attribute: str, operator: str, value: str) -> str | None:
    """A limit whose condition stands behind it."""
    turned = _TURNED.fullmatch(value)
    meant = "" if turned is None else f"when {turned[2]} then {attribute} {operator} {turned[1]}"
    return f"the condition stands in front{_cure(meant)}" if _reads(meant) else None


def _read_loosely(text: str) -> tuple[str, str, str, str] | None:
    signed = _SIGNED.fullmatch(text)
    if signed is not None:
        return signed[1], signed[2], _SIGNS[signed[2]], signed[3]
    worded = _WORDED.fullmatch(text)
    return None if worded is None else (worded[1], worded[2], _WORDS[worded[2].lower()], worded[3] or "")


def _service_rule(attribute: str, name: str, operator: str, value: str) -> str:
    known = name if name in (attribute, "spend") else ""
    if known == "time":
        if operator in ("<", ">"):
            return _instant_rule("time", operator, value)
        meant = f"time < {value}"
        return "time takes < or >" + (_cure(meant) if _reads(meant) else f": time < {_INSTANT}")
    if known == "agent":
        return _NAME_RULE if operator == "=" else "agent takes =, such as agent = researcher"
    if known in ("depth", "uses"):
        return f"{name} takes <= and a whole number{_cure_or(name, value, f'{name} <= 3')}"
    if known == "rate":
        rate = _RATE.fullmatch(value)
        meant = "" if rate is None else f"{rate[1]}/{rate[2]}"
        return f"rate takes <= and calls a second, minute, hour or day{_cure_or(name, meant, 'rate <= 5/m')}"
    if known == "spend":
        cure = _cure_or(attribute, value, "spend.EUR <= 40")
        return f"spend takes a unit, <= and a decimal that is not negative{cure}"
    if known == "holder":
        return "holder takes = and the thumbprint of a key, 43 characters of base64url: bakehouse holder new prints one"
    if known == "aud":
        return "aud takes = or in, and URIs of resources, such as aud = https://mcp.example.com/mcp"
    if known == "client":
        return "client is written by the token endpoint alone: call the attribute otherwise"
    return f"{name} belongs to the service, which knows no such caveat on it: call the attribute otherwise"


def _value_rule(attribute: str, operator: str, value: str) -> str:
    items = [item for item in map(trim, value.split(",")) if item != ""]
    if operator in ("in", "not in"):
        meant = f"{attribute} {operator} {', '.join(items)}"
        if _reads(meant):
            return f"items stand between commas, and none is empty{_cure(meant)}"
        return 'an item with a comma, a quote in front or a space at its edge is a JSON string, such as "Paris, Texas"'
    if operator == "within":
        wrong = next((item for item in items if parse_block(item) is None), value)
        return f"{quote(wrong)} is no address and no CIDR block, such as 10.0.0.0/8"
    number = _NUMBER.fullmatch(value)
    if number is not None:
        meant = f"{attribute} {operator} {number[1].replace('_', '').replace(chr(39), '')}"
        if _reads(meant):
            return f"a decimal stands without sign, unit or separators{_cure(meant)}"
    if _nearest_instant(attribute, operator, value) is not None:
        return _instant_rule(attribute, operator, value)
    return (
        f"behind {operator} stands a decimal of at most 40 digits or an RFC 3339 instant, "
        f"such as 10 or {_INSTANT}; a text takes ="
    )


def _instant_rule(attribute: str, operator: str, value: str) -> str:
    meant = _nearest_instant(attribute, operator, value)
    rule = f"{quote(value)} is no RFC 3339 instant"
    if meant is not None:
        return rule + _cure(meant)
    ttl = "; a ttl writes one" if attribute == "time" else ""
    return f"{rule}, such as {attribute} {operator} {_INSTANT}{ttl}"


def _nearest_instant(attribute: str, operator: str, value: str) -> str | None:
    """The caveat that a date, or a time without its zone, is likely to mean."""
    spelled = value.replace(" ", "T", 1)
    meant = (f"{attribute} {operator} {spelled}{end}" for end in ("", "Z", ":00Z", "T00:00:00Z"))
    return next(filter(_reads, meant), None)


def _reads(text: str) -> bool:
    return parse_caveat(text) is not None


def _cure_or(attribute: str, value: str, example: str) -> str:
    meant = f"{attribute} <= {value}"
    return _cure(meant) if _reads(meant) else f", such as {example}"


def _cure(text: str) -> str:
    """The caveat that was likely meant, if it can be shown whole: half of one is no cure."""
    return f": {text}" if len(text) <= _SHOWN and shown(text) == text else ""
