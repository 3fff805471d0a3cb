"""Who is served, and which requests are refused whoever sends them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers

from ...errors import UsageError
from .addresses import Network, parse_networks
from .auth import Secret

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)


@dataclass(frozen=True)
class Policy:
    """Who is served: this machine alone, or (`is_open`) others too, if they send the `secret`.

    `names` are host names, in lower case, that the server answers to besides those of loopback. Only the addresses in
    `proxies` may say whom a request comes from (X-Forwarded-For).
    """

    secret: Secret | None = None
    is_open: bool = False
    names: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()

    def answers_to(self, host: str) -> bool:
        """Whether a Host header, without its port, is one of this server's.

        A server that serves others accepts any IP address: only a *name* can be made to point here by a stranger.
        """
        return is_loopback(host) or host.lower() in self.names or (self.is_open and is_address(host))


THIS_MACHINE = Policy()


def is_address(host: str) -> bool:
    """Whether this is an IP address, with or without the brackets of IPv6."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without the brackets of IPv6, is always this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """Return a Host header, or what follows `//` in an Origin, without the port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]


def find_refusal(headers: Headers, method: str = "GET", policy: Policy = THIS_MACHINE) -> str | None:
    """Return why a request is refused, whoever sends it; None if it is not.

    Host shows a name that was made to resolve to 127.0.0.1 (DNS rebinding). Origin or, if it is missing, Sec-Fetch-Site
    shows another site that makes the user's browser send a request with the user's password. Following a link from
    another site to the page is allowed.
    """
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or not policy.answers_to(host_of(host)):
        names = " and ".join(["127.0.0.1", "localhost", *sorted(policy.names)])
        return f"This server answers to {names} only."
    origin = headers.get("origin")
    if origin is not None and origin.partition("//")[2].lower() != host.lower():
        return "Requests from other sites are refused."
    foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    follows_link = headers.get("sec-fetch-mode") == "navigate" and method in {"GET", "HEAD"}
    if foreign and not follows_link:
        return "Requests from other sites are refused."
    return None


def policy_for(host: str, secret: Secret | None, names: Collection[str] = (), proxies: Collection[str] = ()) -> Policy:
    """Return who is served at this address. Raises UsageError if others can reach it and there is no `secret`."""
    is_open = not is_loopback(host)
    if is_open and not is_address(host):
        raise UsageError(f"{host or 'Nothing'} is not an address of this machine.", "Give an IP address, or localhost.")
    if secret is None and (is_open or names):
        reachable = host if is_open else "Another name than localhost"
        raise UsageError(
            f"{reachable} can be reached by others, and there is no password.",
            "Put user:password or a token into a file only you can read, and add --auth FILE (or use POLYGLANCE_AUTH).",
        )
    invalid = [name for name in names if not _NAME.fullmatch(name)]
    if invalid:
        raise UsageError(f"{invalid[0][:80]} is no host name.", "For example: --allow-host photos.example.org")
    return Policy(secret, is_open, frozenset(name.lower() for name in names), parse_networks(proxies))
