"""The caveats of exactly one call. Source: ``src/client/this-call.ts``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from .caveats import equals
from .codec.parts import CAVEATS
from .errors import TokenError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_PATH = 80


def for_this_call(args: Mapping[str, object], tool: str | None = None) -> list[str]:
    """``tool = …``, and ``args.NAME = …`` for each argument, nested ones by their path.

    With them, :func:`bakehouse.discharge_token` asks for a yes to this call, and the discharge passes no other. A call
    with further arguments passes as well: no caveat can say that one is missing.

    :param tool: the tool's name, if the platform states a ``tool``: it writes ``tool = …``, and the yes is worth nothing
        where no ``tool`` is stated. For one that states an ``action`` leave it out, and write ``action = …`` beside these
    :raises TokenError: ``invalid_caveat``, naming the argument that no caveat can say: a list, None, an empty dict or
        text, a text with control characters, a number that is not finite, a name with other characters than the
        language has; and for a call with neither tool nor arguments

    Example::

        for_this_call({"amount": 40, "to": "printers"}, "pay")
        # ["tool = pay", "args.amount = 40", "args.to = printers"]
    """
    caveats: list[str] = []
    if tool is not None:
        _collect(caveats, "tool", tool, 0)
    _collect_members(caveats, "args", args, 0)
    if not caveats:
        raise TokenError(
            "invalid_caveat", "a call without arguments is like any other: name its tool behind them"
        )
    return caveats


def _collect(caveats: list[str], path: str, value: object, depth: int) -> None:
    if isinstance(value, Mapping) and value:
        _collect_members(caveats, path, cast(Mapping[object, object], value), depth + 1)
        return
    if not isinstance(value, (str, int, float, Decimal)):
        raise _unsayable(path)
    if len(caveats) == CAVEATS:
        raise TokenError("invalid_caveat", f"a call of more than {CAVEATS} values is too much to say")
    caveat = None
    try:
        caveat = equals(path, value)
    except TokenError:
        pass
    if caveat is None:
        raise _unsayable(path)
    caveats.append(caveat)


def _collect_members(caveats: list[str], path: str, value: Mapping[object, object] | Mapping[str, object], depth: int) -> None:
    # Deeper than any caveat is long: a value that holds itself.
    if depth > CAVEATS:
        raise _unsayable(path)
    for name, member in value.items():
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise _unsayable(f"{path}.{name}")
        _collect(caveats, f"{path}.{name}", member, depth)


def _unsayable(path: str) -> TokenError:
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
    return TokenError("invalid_caveat", f"no caveat can say what {json.dumps(shown, ensure_ascii=False)} is in this call")
