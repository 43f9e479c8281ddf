"""How often anything may be asked, against the bombing of mailboxes and of us.

A form that writes mails is a weapon: thousands of such forms are used to bury somebody's mailbox.
So each act counts three times: for who asks (by a keyed hash of the IP address), for whom it is
(by the recipient's hash, whether or not we know them), and in all.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.web import attempts
from services.notifier.web.faults import Refused, too_many
from services.notifier.web.house import House
from shared.database import transaction

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

KEEP = DAY
"""How long it is remembered who asked: no limit looks further back."""


@dataclass(frozen=True)
class Limit:
    """At most so many within that time."""

    most: int
    within: timedelta


@dataclass(frozen=True)
class Limits:
    """Of one act: for who asks, for whom it is, and in all."""

    by_asker: Limit
    by_recipient: Limit | None = None
    in_all: Limit | None = None


LIMITS: Mapping[str, Limits] = {
    "subscribe": Limits(Limit(20, HOUR), Limit(3, DAY), Limit(300, HOUR)),
    "link": Limits(Limit(20, HOUR), Limit(3, DAY), Limit(600, HOUR)),
    "ask": Limits(Limit(20, HOUR), Limit(3, DAY), Limit(600, HOUR)),
    "preview": Limits(Limit(60, HOUR), None, Limit(2000, HOUR)),
    "try": Limits(Limit(10, HOUR), Limit(10, DAY), Limit(200, HOUR)),
    "feedback": Limits(Limit(60, HOUR), None, Limit(2000, HOUR)),
    "admin": Limits(Limit(10, HOUR), None, Limit(200, HOUR)),
}
"""`ask` is for a link by a token in a digest, `try` for a message that tries a target, and
`admin` for a wrong password."""


async def admit(house: House, request: Request, what: str, recipient: str | None = None) -> None:
    """Note that something is asked, or refuse it.

    Raises:
        Refused: it was asked too often; says when to come back.
        Retryable: the database is away.
    """
    now = house.timer()
    who = asker(house, request)
    async with transaction(house.engine) as connection:
        await _check(connection, what, who, recipient, now)
        await attempts.note(connection, what, who, now)
        if recipient is not None:
            await attempts.note(connection, f"{what}-for", recipient, now)


async def check(house: House, request: Request, what: str) -> None:
    """Refuse what was asked too often, and note nothing: for what only counts when it fails.

    Raises:
        Refused: it was asked too often.
    """
    async with transaction(house.engine) as connection:
        await _check(connection, what, asker(house, request), None, house.timer())


async def _check(
    connection: AsyncConnection, what: str, who: str, recipient: str | None, now: datetime
) -> None:
    limits = LIMITS[what]
    await attempts.hold(connection, filter(None, (who, recipient)))
    counted = [
        (limits.by_asker, what, who),
        (limits.by_recipient if recipient else None, f"{what}-for", recipient),
        (limits.in_all, what, None),
    ]
    for limit, name, whose in counted:
        if limit is None:
            continue
        times = await attempts.since(connection, name, whose, now - limit.within, limit.most)
        if len(times) >= limit.most:
            raise Refused(too_many((times[-1] + limit.within - now).total_seconds()))


def asker(house: House, request: Request) -> str:
    """Who asks, as a keyed hash: nobody can list all IP addresses and find this one."""
    known = _network(address(request, house.doors.proxies))
    keyed = house.tokens.sign("form", f"asker {known}")
    return hashlib.sha256(keyed.encode()).hexdigest()


def address(request: Request, proxies: frozenset[str]) -> str:
    """The IP address that asks.

    `X-Forwarded-For` counts only as far as our own proxies wrote it: from its end, the first
    address that is none of theirs.
    """
    peer = request.client.host if request.client else ""
    if not _is_among(peer, proxies):
        return peer
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    chain = [one.strip() for one in named if one.strip()]
    return next((one for one in reversed(chain) if not _is_among(one, proxies)), peer)


def _is_among(host: str, proxies: frozenset[str]) -> bool:
    """Whether an address is one of the proxies, or in one of their networks ("172.16.0.0/12")."""
    if host in proxies:
        return True
    try:
        found = ip_address(host)
        return any(found in ip_network(one) for one in proxies if "/" in one)
    except ValueError:
        return False


def _network(host: str) -> str:
    """Of IPv6 the /64, of which one customer has at least one whole."""
    try:
        found = ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((int(found), 64), strict=False))
    return str(found)
