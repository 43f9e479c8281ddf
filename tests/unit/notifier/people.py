"""What the tests of readers' own acts share: a vault, and short ways to the database."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import subscribers
from services.notifier.recipient import recipient
from services.notifier.subscription import Subscription
from services.notifier.vault import Vault
from shared.database import transaction
from tests.unit.notifier.kit import Desk, a_subscription

VAULT = Vault([SecretStr("a key that is only good for tests")])
HOOK = "https://hooks.example.org/services/T0/B0/xyzZY"
KEY = "whsec_" + "QUJD" * 10


async def do(desk: Desk, act: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
    """One act in a transaction of its own."""
    async with transaction(desk.engine) as connection:
        return await act(connection, *args, **more)


async def kept(desk: Desk, name: str = "reader") -> subscribers.Kept:
    found: subscribers.Kept | None = await do(desk, subscribers.find, name)
    assert found is not None
    return found


async def may_be_mailed(connection: AsyncConnection) -> list[str]:
    return [one.id for one in await subscribers.mailable(connection)]


def who(name: str = "reader") -> str:
    return recipient("email", f"{name}@example.org")


def a_hook(**changes: Any) -> Subscription:
    return a_subscription(
        **{"channel": "webhook", "address": HOOK, "secret": KEY, "owner": "Reader@example.org"}
        | changes
    )
