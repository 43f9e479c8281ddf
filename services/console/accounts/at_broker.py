"""Accounts at RabbitMQ, by its management API (https://www.rabbitmq.com/docs/http-api-reference)."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from services.console.accounts.account import Account
from services.console.accounts.rights import NOTHING, Rights, rights
from shared import topology
from shared.errors import ConfigurationError, Retryable


async def grant_at_broker(management_url: str, amqp_url: str, accounts: Sequence[Account]) -> None:
    """Make the accounts, or give them the password and the rights that they shall have now.

    Administrator and virtual host are of the AMQP URL.

    Raises:
        Retryable: the management API cannot be reached.
        ConfigurationError: it refuses.
    """
    parts = urlsplit(amqp_url)
    vhost = unquote(parts.path.removeprefix("/")) or "/"
    user = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
    base = f"{management_url.rstrip('/')}/api/"
    try:
        async with httpx.AsyncClient(auth=user, timeout=30.0, base_url=base) as client:
            for account in accounts:
                for path, body in _orders(account, rights(account.service), vhost):
                    _taken(account, await client.put(path, json=body))
    except httpx.HTTPError as error:
        raise Retryable(f"RabbitMQ's management API: {type(error).__name__}") from error


def _orders(account: Account, right: Rights, vhost: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is put where: the account, and what it may."""
    user, place = quote(account.user, safe=""), quote(vhost, safe="")
    # No tag: it cannot enter the management page or API.
    yield f"users/{user}", {"password": account.password.get_secret_value(), "tags": ""}
    yield (
        f"permissions/{place}/{user}",
        {"configure": right.configure, "write": right.write, "read": right.read},
    )
    for exchange in (topology.EXCHANGE, topology.ARCHIVE_EXCHANGE):
        yield (
            f"topic-permissions/{place}/{user}",
            {"exchange": exchange, "write": right.keys, "read": NOTHING},
        )


def _taken(account: Account, answer: httpx.Response) -> None:
    if answer.status_code not in (200, 201, 204):
        raise ConfigurationError(
            f"RabbitMQ's management API answers {answer.status_code} to the account of "
            f"{account.service}: its user must be an administrator (CARILLON_AMQP_URL)"
        )
