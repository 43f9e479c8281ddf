"""Where a message may go that a stranger asked for: the guard of Slack, webhooks and Apprise.

A target is a URL that somebody typed into a page. It must not become a way to what only this
machine can reach (server-side request forgery, OWASP): so only https, to a host whose every
address is a public one. The addresses are checked after the name was resolved, and the connection
goes to the address that was checked (`outgoing.py`), so that a name cannot be turned in between.
"""

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from shared.errors import Permanent, Retryable

SLACK = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
"""The hosts of Slack's incoming webhooks."""

_PORTS = {"https": 443, "http": 80}

_CLOSED_4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
"""IANA's IPv4 Special-Purpose Address Registry (RFC 6890), and multicast (RFC 5771)."""

_OPEN_6 = ip_network("2000::/3")
"""The only IPv6 addresses given to public hosts (RFC 4291, section 2.4, and IANA)."""

_CLOSED_6 = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"))
)
"""Of these, what is not public, or carries an IPv4 address: Teredo in 2001::/23, 6to4 in 2002::."""


_OPTIONS = frozenset(
    {
        "api-version", "auth", "avatar", "batch", "bot", "botname", "channel", "channels", "click",
        "emojis", "fields", "flags", "footer", "footer_logo", "format", "id", "image", "mdv",
        "mode", "overflow", "pa", "ping", "powerautomate", "preview", "priority", "route",
        "routeid", "sig", "silent", "team", "thread", "to", "token", "topic", "tts", "ver",
        "wrap", "xtags",
    }
)  # fmt: skip
"""Options that an Apprise URL may have. Of the others some loosen what is checked (`verify`,
`redirect`), some hold a thread for long (`rto`, `retry`, `wait`), and `template` has Apprise read a
file of this machine, or an address that only it can reach."""


class BadTarget(Permanent):
    """A target that no message may be sent to; the words are for who typed it."""


class Gate(Protocol):
    """What an operator admits: hosts for tests, and the kinds of Apprise URLs."""

    @property
    def admitted_hosts(self) -> frozenset[str]:
        """Hosts in small letters that may be private, and without https."""

    @property
    def apprise_schemes(self) -> frozenset[str]:
        """Schemes of Apprise URLs, in small letters."""


@dataclass(frozen=True)
class Admission:
    """A `Gate` by itself."""

    admitted_hosts: frozenset[str] = frozenset()
    apprise_schemes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """An admitted URL in its parts: `host` to resolve, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str
    is_admitted: bool


def check_target(channel: str, url: str, gate: Gate) -> None:
    """Refuse a URL that no message of this channel may go to; nothing is looked up.

    Raises:
        BadTarget: with a reason for who typed it, without the URL.
    """
    if channel == "apprise":
        _check_apprise(url, gate)
        return
    place = placed(url, gate)
    if channel == "slack" and place.host not in SLACK and not place.is_admitted:
        raise BadTarget(
            "not a Slack webhook: its URL begins with https://hooks.slack.com/services/"
        )


def placed(url: str, gate: Gate) -> Place:
    """A web address in its parts.

    Raises:
        BadTarget: it is not https (http only to a host admitted for tests), has a user in it, or
            no host, or names an address that is not public.
    """
    parts, host, port = _split(url)
    is_admitted = host in gate.admitted_hosts
    if parts.scheme != "https" and not (is_admitted and parts.scheme == "http"):
        raise BadTarget("not a secure address: it has to begin with https://")
    if "@" in parts.netloc:
        raise BadTarget("a user or password cannot stand in the address")
    if not is_admitted and _is_closed_literal(host):
        raise BadTarget("its host is not a public one")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port or _PORTS[parts.scheme], path, is_admitted)


def _split(url: str) -> tuple[SplitResult, str, int | None]:
    if not all("!" <= char <= "~" and char not in '\\"<>^`{|}' for char in url):
        raise BadTarget("not a web address: it has characters that no address has")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise BadTarget("not a web address") from None
    if not host or port == 0:
        raise BadTarget("not a web address: it names no host")
    return parts, host, port


def _is_closed_literal(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:  # a name; its addresses are checked when it is resolved
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's.

    Not private, loopback, link-local, shared (CGNAT), multicast or reserved; and none that carries
    another one (IPv4-mapped, 6to4, Teredo, NAT64): what it leads to is not what it looks like.

    Raises:
        ValueError: it is not an IP address.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return not any(found in closed for closed in _CLOSED_4)
    return _is_public_6(found)


def _is_public_6(found: IPv6Address) -> bool:
    return found in _OPEN_6 and not any(found in closed for closed in _CLOSED_6)


async def resolve(place: Place) -> list[str]:
    """The IP addresses of a place, all of which may be connected to.

    Raises:
        Retryable: its name cannot be resolved, or leads to an address that is not public; a name
            may be put right, and until then nothing goes there.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise Retryable("the target's host name cannot be resolved") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not (place.is_admitted or all(map(is_public, addresses))):
        raise Retryable("the target's host leads to an address that is not public")
    return addresses


def _check_apprise(url: str, gate: Gate) -> None:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.lower() not in gate.apprise_schemes:
        known = ", ".join(sorted(gate.apprise_schemes)) or "none"
        raise BadTarget(f"not a kind of Apprise address that is allowed here; allowed are: {known}")
    if not all("!" <= char <= "~" for char in url):
        raise BadTarget("not an Apprise address: it has characters that no address has")
    if unknown := _options(url) - _OPTIONS:
        shown = ", ".join(name for name in sorted(unknown) if name.isalpha()) or "such"
        raise BadTarget(f"an Apprise address here cannot have these options: {shown}")


def _options(url: str) -> set[str]:
    """The names of its options, found where Apprise finds them: parted by `&` and by `;` too."""
    pairs = re.split("[&;]", url.partition("?")[2])
    return {unquote(pair.partition("=")[0]).strip().lower() for pair in pairs if pair}
