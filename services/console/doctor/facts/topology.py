"""RabbitMQ, as its management API describes it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from services.console.doctor.rules.topology import Broker, Permission, Policy

_SECONDS = 8.0


class _Refused(Exception):
    """The API answers, and not with what was asked for."""


async def gather(management_url: str, amqp_url: str, users: Mapping[str, str]) -> Broker:
    """Read the virtual host of the AMQP URL, as its user; `users` are the AMQP URLs by service."""
    parts = urlsplit(amqp_url)
    vhost = unquote(parts.path.removeprefix("/")) or "/"
    login = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
    base = f"{management_url.rstrip('/')}/api/"
    try:
        async with httpx.AsyncClient(auth=login, timeout=_SECONDS, base_url=base) as api:
            return await _read(api, vhost, {who: _user(url) for who, url in users.items()})
    except _Refused as error:
        return Broker(fault=str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Broker(fault=f"the management API cannot be reached ({type(error).__name__})")
    except (KeyError, TypeError, ValueError):
        return Broker(fault="what answers there is not RabbitMQ's management API")


def _user(url: str) -> str:
    return unquote(urlsplit(url).username or "guest")


async def _read(api: httpx.AsyncClient, vhost: str, users: Mapping[str, str]) -> Broker:
    place = quote(vhost, safe="")
    queues = await _json(api, f"queues/{place}?disable_stats=true&enable_queue_totals=true")
    exchanges = await _json(api, f"exchanges/{place}")
    bindings = await _json(api, f"bindings/{place}")
    policies = await _json(api, f"policies/{place}") + await _json(
        api, f"operator-policies/{place}"
    )
    return Broker(
        queues={one["name"]: one["arguments"] for one in queues},
        exchanges={one["name"]: one["type"] for one in exchanges},
        bindings=frozenset((b["source"], b["destination"], b["routing_key"]) for b in bindings),
        policies=tuple(
            Policy(one["name"], one["pattern"], one["apply-to"], one["definition"])
            for one in policies
        ),
        permissions=await _permissions(api, place, users),
        limits=await _limits(api, vhost, frozenset(users.values())),
        alarms=await _alarms(api),
    )


async def _json(api: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await api.get(path)
    if answer.status_code in {401, 403}:
        raise _Refused(f"the management API refuses our user ({answer.status_code})")
    if answer.status_code == 404:
        return []
    if answer.status_code != 200:
        raise _Refused(f"the management API answers {answer.status_code}")
    found = answer.json()
    return found if isinstance(found, list) else [found]


async def _permissions(
    api: httpx.AsyncClient, place: str, users: Mapping[str, str]
) -> dict[str, Permission | None]:
    """What each may in this virtual host; None where a user has no right there."""
    granted = {one["user"]: one for one in await _json(api, f"vhosts/{place}/permissions")}
    keys: dict[str, dict[str, str]] = {}
    for one in await _json(api, f"vhosts/{place}/topic-permissions"):
        keys.setdefault(one["user"], {})[one["exchange"]] = one["write"]
    found: dict[str, Permission | None] = {}
    for who, user in users.items():
        mine = granted.get(user)
        may = mine and Permission(
            mine["configure"], mine["write"], mine["read"], keys.get(user, {})
        )
        found[who] = may or None
    return found


async def _limits(
    api: httpx.AsyncClient, vhost: str, users: frozenset[str]
) -> tuple[tuple[str, str, int], ...]:
    found = []
    for entry in await _json(api, "vhost-limits"):
        if entry["vhost"] == vhost:
            found += [(f"virtual host {vhost}", name, n) for name, n in entry["value"].items()]
    for entry in await _json(api, "user-limits"):
        if entry["user"] in users:
            found += [(f"user {entry['user']}", name, n) for name, n in entry["value"].items()]
    return tuple(found)


async def _alarms(api: httpx.AsyncClient) -> tuple[str, ...]:
    """Which resources are short; the API answers 503 with their names while one is."""
    answer = await api.get("health/checks/alarms")
    if answer.status_code != 503:
        return ()
    alarms = answer.json().get("alarms", [])
    return tuple(sorted({str(one.get("resource", "resource")) for one in alarms})) or ("resource",)
