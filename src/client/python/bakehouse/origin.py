"""Where a secret may be sent. Source: ``src/client/origin.ts``.

URLs are read by one strict pattern and not by a library that mends them: two readers of a mended URL may see two hosts.
"""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?#][\x21-\x7e]*)?",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def split_url(text: str) -> tuple[str, str] | None:
    """The origin of a web address, spelled as browsers compare origins, and all that stands behind it.

    None for anything else, and for an address with a user name, which makes one origin look like another.
    """
    match = _URL.fullmatch(text)
    if match is None:
        return None
    scheme, port = match["scheme"].lower(), (match["port"] or "").lstrip("0")
    shown_port = "" if port in ("", _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{match['host'].lower()}{shown_port}", match["rest"] or ""


def is_private_channel(origin: str) -> bool:
    """Whether an origin is safe to send a secret to: https, or this machine itself."""
    return origin.startswith("https://") or _LOOPBACK.fullmatch(origin) is not None


def base_of(url: str, insecure_http: bool) -> tuple[str, str]:
    """The origin of a service and the path that it is under.

    :raises ValueError: for anything but a web address, and for plain http to another machine unless that is allowed
    """
    origin, path = split_url(url) or ("", "")
    if not origin or "?" in path or "#" in path:
        raise ValueError("the url must be http or https, without user name, query and fragment, such as http://127.0.0.1:8080")
    if not insecure_http and not is_private_channel(origin):
        raise ValueError("over plain http anybody on the way can read the credential: use https, or insecure_http=True")
    return origin, path.rstrip("/")


def origin_of(location: str) -> str | None:
    """The origin that a location in a token names; None if it is anything else.

    Any holder may have written it, so it is an origin and no more: a path would let them choose the page that is asked.
    """
    origin, rest = split_url(location) or (None, "")
    return origin if rest in ("", "/") else None


def page_of(text: str, asked_at: str) -> str | None:
    """A page that a person can be sent to; None for anything else.

    Over plain http only if the party itself was asked so: else anybody on the way could change the page.
    """
    origin, rest = split_url(text) or (None, "")
    if origin is None or not (origin.startswith("https://") or origin == asked_at):
        return None
    return origin + rest
