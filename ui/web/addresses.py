"""The addresses of clients and of the proxies before the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ...errors import UsageError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_key(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which one customer has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks in CIDR notation. Raises UsageError if a text is neither."""
    return tuple(_parse_network(text.strip()) for text in texts)


def _parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip("[]"))
    except ValueError as error:
        raise UsageError(
            f"{text[:80]} is no address of a proxy.", "For example: --proxy 127.0.0.1 or --proxy 10.0.0.0/8"
        ) from error


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address belongs to one of these networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
