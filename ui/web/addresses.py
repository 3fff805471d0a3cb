"""The addresses of clients and of the proxies before the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ...errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def group(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the IPv6 network of 64 bits that one customer has."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks in CIDR notation. Raises UsageError at what is neither."""
    return tuple(_network(text.strip()) for text in texts)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip("[]"))
    except ValueError as error:
        raise UsageError(
            f"{text[:80]} is no address of a proxy.", "For example: --proxy 127.0.0.1 or --proxy 10.0.0.0/8"
        ) from error


def is_in(address: str, known: Iterable[Network]) -> bool:
    """Whether an address belongs to one of these networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in known)
