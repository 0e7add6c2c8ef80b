"""CIDR blocks (RFC 4632, RFC 4291). Source: ``src/caveats/values/address.ts``."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_GROUPS_OF_ZERO = re.compile(r"::[0-9]+\.")
_SHORTEST = 2
_LONGEST = 45

Block = IPv4Network | IPv6Network


def parse_block(text: str) -> Block | None:
    """Reads a block, or one address as the block of itself; bits beyond the prefix are cleared.

    Strict, because one text must not be two addresses to two readers: no leading zeros, no zone, no brackets, and not
    the deprecated ``::1.2.3.4``. An IPv4-mapped block of 96 bits or more is the IPv4 block in it.
    """
    base, slash, prefix = text.partition("/")
    if slash and _PREFIX.fullmatch(prefix) is None:
        return None
    if not _SHORTEST <= len(base) <= _LONGEST or not base.isascii() or "%" in base or _GROUPS_OF_ZERO.match(base):
        return None
    try:
        network = ip_network(text, strict=False)
        # The prefix alone must not make an IPv4-mapped block of another address.
        mapped = IPv6Address(base).ipv4_mapped if isinstance(network, IPv6Network) else None
    except ValueError:
        return None
    if mapped is not None and network.prefixlen >= 96:
        return IPv4Network((int(mapped), network.prefixlen - 96), strict=False)
    return network


def format_block(block: Block) -> str:
    """Canonical text, always with the prefix: dotted decimal, or RFC 5952 section 4 without a dotted part."""
    if isinstance(block, IPv4Network):
        return str(block)
    groups = [f"{int(group, 16):x}" for group in block.network_address.exploded.split(":")]
    start, length = _longest_zeros(groups)
    text = ":".join(groups)
    if length >= 2:
        text = ":".join(groups[:start]) + "::" + ":".join(groups[start + length :])
    return f"{text}/{block.prefixlen}"


def _longest_zeros(groups: list[str]) -> tuple[int, int]:
    best = (0, 0)
    for start in range(len(groups)):
        end = start
        while end < len(groups) and groups[end] == "0":
            end += 1
        if end - start > best[1]:
            best = (start, end - start)
    return best
